/** What a check finds. */

/** `warning`: something will not work, or not as expected; `broken`: what is there does not work, or not as it is set. */
export type State = "ok" | "warning" | "broken";

export interface Check {
  /** What was looked at, a word or two. */
  readonly about: string;
  readonly state: State;
  /** What was found, one line. */
  readonly found: string;
  /** What to do about it; none where nothing is to be done. */
  readonly remedy?: string;
}

export const ok = (about: string, found: string): Check => ({ about, state: "ok", found });
export const warning = (about: string, found: string, remedy: string): Check => ({
  about,
  state: "warning",
  found,
  remedy,
});
export const broken = (about: string, found: string, remedy: string): Check => ({
  about,
  state: "broken",
  found,
  remedy,
});

const MARKS: Readonly<Record<State, string>> = { ok: "✓", warning: "!", broken: "✗" };

/** One line a check, with the remedy behind it. */
export function formatCheck({ about, state, found, remedy }: Check): string {
  return `${MARKS[state]} ${about}: ${found}${remedy === undefined ? "" : `. ${remedy}`}`;
}
