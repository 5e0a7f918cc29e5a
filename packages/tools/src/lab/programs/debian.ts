/** Sources of programs, as Debian has them, by an apt that has its own lists and leaves the system's alone. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { cachedDirectory } from "../../base/cache.js";
import { ExplainedError, messageOf } from "../../base/errors.js";
import { withScratch } from "../../base/scratch.js";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Directory with the original source of a package of the Debian that this is, downloaded once. Nothing may be written there.
 * Rejects with {@link ExplainedError} where there is no Debian, no such package or no network.
 */
export async function debianSource(name: string): Promise<string> {
  try {
    const release = await codename();
    return await cachedDirectory(`sources-${release}-${name}`, (directory) =>
      withScratch("apt", async (scratch) => {
        await download(name, release, scratch);
        const archives = (await readdir(scratch)).filter((file) => /\.orig\.tar\.\w+$/.test(file));
        for (const file of archives)
          await execa("tar", ["-xf", path.join(scratch, file), "--strip-components=1", "-C", directory]);
      }),
    );
  } catch (error) {
    throw new ExplainedError(`Debian's source of ${name} cannot be had: ${messageOf(error)}`);
  }
}

async function codename(): Promise<string> {
  const found = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1];
  if (found === undefined) throw new ExplainedError("/etc/os-release names no release of Debian");
  return found;
}

async function download(name: string, release: string, scratch: string): Promise<void> {
  const lists = path.join(scratch, "lists");
  const state = path.join(scratch, "state");
  await mkdir(lists);
  await mkdir(path.join(state, "lists", "partial"), { recursive: true });
  const stanza = { Types: "deb-src", URIs: "http://deb.debian.org/debian", Suites: release, Components: "main" };
  const lines = Object.entries({ ...stanza, "Signed-By": KEYRING }).map(([key, value]) => `${key}: ${value}\n`);
  await writeFile(path.join(lists, "debian.sources"), lines.join(""));
  const settings = {
    "Dir::Etc::SourceList": "/dev/null",
    "Dir::Etc::SourceParts": lists,
    "Dir::State": state,
    "Dir::Cache": path.join(scratch, "cache"),
    // As root it would become another user, who may not write here.
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  await execa("apt-get", [...options, "update"], { cwd: scratch });
  await execa("apt-get", [...options, "source", "--download-only", name], { cwd: scratch });
}
