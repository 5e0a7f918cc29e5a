import { readFile, readdir } from "node:fs/promises";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { PROFILES } from "../../packages/hakmem/src/heap/profiles.js";

const directory = new URL("../../profiles/", import.meta.url);

test("the library knows every profile that ships, with the address space that it has", async () => {
  const files = (await readdir(directory)).filter((name) => name.endsWith(".json"));
  const shipped = await Promise.all(
    files.map(async (file) => {
      const { addressBits } = JSON.parse(await readFile(new URL(file, directory), "utf8")) as { addressBits: number };
      return [basename(file, ".json"), { addressBits }] as const;
    }),
  );
  expect(PROFILES).toEqual(Object.fromEntries(shipped));
});
