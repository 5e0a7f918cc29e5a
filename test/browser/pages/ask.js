// @ts-check
/* global location, URLSearchParams */

/**
 * Where the page's address names somebody to `ask`: gets a task there, does it, and sends the answer back. For browsers that are
 * driven by nothing but the address that they open.
 * @param {(task: any) => Promise<unknown>} act
 */
export async function answer(act) {
  const asker = new URLSearchParams(location.search).get("ask");
  if (asker === null) return;
  const task = await (await fetch(asker)).json();
  const result = await act(task).catch((error) => ({ failed: String(error) }));
  await fetch(asker, { method: "POST", body: JSON.stringify(result) });
}
