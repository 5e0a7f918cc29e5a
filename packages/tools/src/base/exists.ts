import { access } from "node:fs/promises";

/** Whether there is such a file or directory, and its path may be walked. */
export async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
