/** The lab's own errors: what was wrong, with the value, and what to do. */

/** A wrong name or number in a request: nothing has been measured. */
export class RequestError extends Error {
  override readonly name = "RequestError";
}

/** `value` is not one of `valid`. */
export function unknownName(what: string, value: string, valid: readonly string[]): RequestError {
  return new RequestError(`there is no ${what} "${value}"; valid are ${valid.join(", ")}`);
}

/** A peer failed while it was measured: it trapped, ran out of memory, timed out or its process died. */
export class MeasurementError extends Error {
  override readonly name = "MeasurementError";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
