// @ts-check
/* global self */
/** Workers of the web's kind, for `accept`: in browsers, and wherever else there are some. */

/**
 * @param {() => Worker} start
 * @returns {() => import("./acceptance.js").Helper}
 */
export function helpers(start) {
  return () => {
    const worker = start();
    return {
      ask: (task) =>
        new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => (data.failed === undefined ? resolve(data) : reject(new Error(data.failed)));
          worker.onerror = (event) => {
            reject(new Error(event.message));
          };
          worker.postMessage(task);
        }),
      // No browser says when a worker is gone; it is soon after it was told to.
      terminate: async () => {
        worker.terminate();
        await new Promise((resolve) => setTimeout(resolve, 500));
      },
    };
  };
}

/** @param {(task: unknown) => object} answer */
export function listen(answer) {
  self.onmessage = ({ data }) => {
    let reply;
    try {
      reply = answer(data);
    } catch (error) {
      reply = { failed: String(error) };
    }
    self.postMessage(reply);
  };
}
