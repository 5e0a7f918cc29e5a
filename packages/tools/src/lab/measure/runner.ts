/** A measuring process, as the planning one sees it. It is started again after it died or hung. */

import { fork, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { MeasurementError } from "../../base/errors.js";
import { COMPILED } from "../../base/paths.js";
import type { ChildMessage, ParentMessage, Sample, SampleRequest } from "./protocol.js";

export interface RunnerOptions {
  /** The Node that measures; this process's own unless given. */
  readonly execPath?: string;
  /** How long one sample may take. */
  readonly timeoutMilliseconds?: number;
}

const CHILD = path.join(COMPILED, "lab", "measure", "child.js");
const DEFAULT_TIMEOUT = 120_000;

export class Runner {
  private child: Promise<ChildProcess> | undefined;
  private nextId = 1;

  constructor(private readonly options: RunnerOptions = {}) {}

  /** Rejects with {@link MeasurementError} when the peer failed; the runner can be used again. */
  async measure(request: SampleRequest): Promise<Sample> {
    const child = await (this.child ??= this.start());
    const id = this.nextId++;
    return new Promise<Sample>((resolve, reject) => {
      const { timeoutMilliseconds = DEFAULT_TIMEOUT } = this.options;
      const timer = setTimeout(() => {
        done();
        this.stop();
        reject(new MeasurementError(`no result after ${timeoutMilliseconds / 1000} s; its process was ended`));
      }, timeoutMilliseconds);
      const done = (): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit);
      };
      const onMessage = (message: unknown): void => {
        const answer = message as ChildMessage;
        if (answer.type === "ready" || answer.id !== id) return;
        done();
        if (answer.type === "sample") resolve(answer.sample);
        else reject(new MeasurementError(answer.message));
      };
      const onExit = (code: number | null, signal: string | null): void => {
        done();
        this.child = undefined;
        reject(new MeasurementError(`its process ended with ${signal ?? `exit code ${code}`}`));
      };
      child.on("message", onMessage).on("exit", onExit);
      child.send({ id, request } satisfies ParentMessage);
    });
  }

  /** Ends the process; the next measurement starts another one. */
  stop(): void {
    const { child } = this;
    this.child = undefined;
    void child?.then(
      (process) => process.kill("SIGKILL"),
      () => {},
    );
  }

  private start(): Promise<ChildProcess> {
    const { execPath = process.execPath } = this.options;
    const child = fork(CHILD, [], {
      execPath,
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new Promise((resolve, reject) => {
      child.once("message", () => {
        child.off("exit", onExit).off("error", onError);
        resolve(child);
      });
      const onExit = (code: number | null): void => {
        reject(new MeasurementError(`the measuring process ended with exit code ${code} before it was ready`));
      };
      const onError = (error: Error): void => {
        reject(new MeasurementError(`${execPath} cannot be started: ${error.message}`, { cause: error }));
      };
      child.once("exit", onExit).once("error", onError);
    });
  }
}
