/** Whether a page may share memory, and its modules are served as such: the answers of its server. */

import { broken, ok, warning, type Check } from "./check.js";

const TIMEOUT_MS = 10_000;
/** So many of a page's own scripts and modules are looked at. */
const MOST_RESOURCES = 12;

const ISOLATION =
  "Serve pages with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";

/** The checks of a page, or of a module if that is what `url` is. Never rejects for what a server does. */
export async function checkPage(url: string): Promise<Check[]> {
  const page = await get(url);
  if (typeof page === "string") return [broken(url, page, "Start the server, or correct the address")];
  const { response, text } = page;
  if (!response.ok) return [broken(url, `status ${response.status}`, "Give the address of a page that exists")];
  const isModule = isModuleName(response.url);
  const checks = isModule ? [] : checkHeaders(response);
  if (isModule) checks.push(checkModule(response));
  const resources = await findResources(text, response.url);
  for (const resource of resources) checks.push(...(await checkResource(resource, response.url)));
  return checks;
}

interface Answer {
  readonly response: Response;
  readonly text: string;
}

async function get(url: string): Promise<Answer | string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    // A module's bytes are of no interest.
    const text = isModuleName(response.url) ? "" : await response.text();
    if (isModuleName(response.url)) await response.body?.cancel();
    return { response, text };
  } catch (error) {
    const { cause, message } = error as Error;
    return `no answer: ${cause instanceof Error ? cause.message || cause.name : message}`;
  }
}

function checkHeaders({ headers, url }: Response): Check[] {
  const value = (name: string): string => headers.get(name)?.split(";")[0]?.trim() ?? "";
  const opener = value("cross-origin-opener-policy");
  const embedder = value("cross-origin-embedder-policy");
  const policy = (about: string, found: string, valid: readonly string[]): Check =>
    valid.includes(found)
      ? ok(about, found)
      : broken(about, `${found === "" ? "missing" : `"${found}"`}: heaps with shared: true will not work`, ISOLATION);
  const checks = [
    policy("Cross-Origin-Opener-Policy", opener, ["same-origin"]),
    policy("Cross-Origin-Embedder-Policy", embedder, ["require-corp", "credentialless"]),
  ];
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !isLocal(hostname))
    checks.push(
      broken("secure context", `${url} is neither https nor localhost: it is never isolated`, "Serve it by https"),
    );
  return checks;
}

const isLocal = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\./.test(host);

function checkModule({ headers, url }: Response): Check {
  const type = headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  if (type === "application/wasm") return ok(nameOf(url), type);
  return broken(
    nameOf(url),
    `content type ${type === "" ? "missing" : `"${type}"`}: WebAssembly.compileStreaming refuses it`,
    "Serve .wasm as application/wasm",
  );
}

/** A page's scripts and modules, and the modules that scripts of its own server name. */
async function findResources(html: string, base: string): Promise<string[]> {
  const found = new Set(addressesIn(html, base, /(?:src|href)\s*=\s*["']([^"']+\.(?:m?js|wasm)(?:\?[^"']*)?)["']/g));
  for (const module of addressesIn(html, base, MODULE_NAME)) found.add(module);
  for (const script of [...found].filter((each) => !isModuleName(each)).slice(0, MOST_RESOURCES)) {
    if (new URL(script).origin !== new URL(base).origin) continue;
    const answer = await get(script);
    if (typeof answer === "string") continue;
    for (const module of addressesIn(answer.text, script, MODULE_NAME)) found.add(module);
  }
  return [...found].slice(0, MOST_RESOURCES);
}

const MODULE_NAME = /["'`]([^"'`\s${}]+\.wasm(?:\?[^"'`\s]*)?)["'`]/g;

function addressesIn(text: string, base: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, name = ""]) => {
    if (!URL.canParse(name, base)) return [];
    const url = new URL(name, base);
    return /^https?:$/.test(url.protocol) ? [url.href] : [];
  });
}

const isModuleName = (url: string): boolean => new URL(url).pathname.endsWith(".wasm");
const nameOf = (url: string): string => new URL(url).pathname;

async function checkResource(url: string, page: string): Promise<Check[]> {
  const isForeign = new URL(url).origin !== new URL(page).origin;
  if (!isForeign && !isModuleName(url)) return [];
  const answer = await get(url);
  if (typeof answer === "string" || !answer.response.ok) {
    const found = typeof answer === "string" ? answer : `status ${answer.response.status}`;
    return [warning(nameOf(url), found, "The page names it; see whether it is needed")];
  }
  const { headers } = answer.response;
  const checks = isModuleName(url) ? [checkModule(answer.response)] : [];
  const policy = headers.get("cross-origin-resource-policy");
  const isShared = policy === "cross-origin" || headers.has("access-control-allow-origin");
  if (isForeign && !isShared)
    checks.push(
      broken(
        url,
        "of another origin, without Cross-Origin-Resource-Policy: an isolated page does not load it",
        "Serve it with Cross-Origin-Resource-Policy: cross-origin, or from the page's own origin",
      ),
    );
  return checks;
}
