/** Plays all cases with one program in the engine that this runs in. */

import { CASES } from "./cases.js";
import { FollowerError, Scene, warmUp, type Follower, type Program } from "./scene.js";

export interface Outcome {
  readonly name: string;
  /** What the follower ran into; absent when all was right. */
  readonly wrong?: string;
  /** The case could not be played as it is meant, which is an error of the case. */
  readonly unplayed?: string;
}

/**
 * Plays the cases that fit `program`.
 * @param startFollower starts a thread for followers; several scenes use it one after the other
 * @param warm the engine has compiled the program as it does what runs often
 * @param only plays the cases whose name contains this
 */
export async function play(
  program: Program,
  startFollower: () => Promise<Follower & { stop(): void }>,
  warm: boolean,
  only = "",
): Promise<Outcome[]> {
  if (warm) {
    warmUp(program);
    // Better code is compiled in the background.
    await new Promise((resolve) => setTimeout(resolve, 50));
    warmUp(program);
  }
  const outcomes: Outcome[] = [];
  let follower: (Follower & { stop(): void }) | undefined;
  let scenes = 0;
  for (const { name, guard, late = false, play } of CASES) {
    if ((guard ?? program.guard) !== program.guard || !name.includes(only)) continue;
    // A thread keeps the memories that it has seen; a new one has none.
    if (++scenes % SCENES === 0) {
      follower?.stop();
      follower = undefined;
    }
    follower ??= await startFollower();
    const scene = new Scene(program, follower);
    try {
      await scene.begin(late);
      play(scene);
      outcomes.push({ name });
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      outcomes.push(error instanceof FollowerError ? { name, wrong: what } : { name, unplayed: what });
    }
    scene.end();
  }
  follower?.stop();
  return outcomes;
}

const SCENES = 20;
