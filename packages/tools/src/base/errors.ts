/** Errors that explain themselves: the message is what was wrong, with the value, and what to do. */

/** What a person needs to know about it is its message. */
export class ExplainedError extends Error {
  override readonly name: string = "ExplainedError";
}

/** A wrong name or number in a request: nothing has been done. */
export class RequestError extends ExplainedError {
  override readonly name: string = "RequestError";
}

/** `value` is not one of `valid`. */
export function unknownName(what: string, value: string, valid: readonly string[]): RequestError {
  return new RequestError(`there is no ${what} "${value}"; valid are ${valid.join(", ")}`);
}

/** A peer failed while it was measured: it trapped, ran out of memory, timed out or its process died. */
export class MeasurementError extends ExplainedError {
  override readonly name = "MeasurementError";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
