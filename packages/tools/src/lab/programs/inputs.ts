/** What programs are given to work on. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { debianSource } from "./debian.js";
import type { Kit } from "./toolchains.js";

/** A file with the specification of CommonMark, some times over. */
export async function longText(kit: Kit, times: number): Promise<string> {
  const text = await readFile(path.join(await debianSource("cmark"), "test", "spec.txt"), "utf8");
  const file = path.join(kit.directory, "text.txt");
  await writeFile(file, text.repeat(times));
  return file;
}

/** Commands for a Redis server: the same ones each time. */
export function redisLoad(count: number): string {
  let seed = 12345;
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    const [key, value] = [random(20_000), "x".repeat(1 + random(200))];
    const commands = [
      `SET string:${key} ${value}`,
      `APPEND string:${key} ${value}`,
      `DEL string:${key}`,
      `HSET hash:${key % 2000} field:${random(500)} ${value}`,
      `HDEL hash:${key % 2000} field:${random(500)}`,
      `RPUSH list:${key % 1000} ${value}`,
      `LPOP list:${key % 1000}`,
      `ZADD sorted:${key % 500} ${random(1_000_000)} member:${random(2000)}`,
      `ZREM sorted:${key % 500} member:${random(2000)}`,
      `SADD set:${key % 500} ${random(100_000)}`,
    ];
    lines.push(commands[random(commands.length)] ?? "");
  }
  return `${lines.join("\r\n")}\r\n`;
}
