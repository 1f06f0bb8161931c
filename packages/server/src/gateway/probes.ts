import type { IncomingMessage, ServerResponse } from "node:http";

/** What stands between this gateway and serving, in a few words; `undefined` if nothing does. */
export type Readiness = () => string | undefined;

/**
 * Addresses that need no key: whether the process is alive (`/health`, `/healthz`), whether it can serve (`/readyz`), and
 * the root and `/api/hello`, which clients touch before their first request.
 */
export function answerProbe(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  about: { readonly version: string; readonly readiness: Readiness; readonly now: () => string },
): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  switch (path) {
    case "/health":
    case "/healthz":
      return send(request, response, 200, { status: "ok", version: about.version, timestamp: about.now() });
    case "/readyz": {
      const problem = about.readiness();
      const body = problem === undefined ? { status: "ready" } : { status: "not ready", problem };
      return send(request, response, problem === undefined ? 200 : 503, body);
    }
    case "/":
    case "/api/hello":
      return send(request, response, 200, { name: "portcullis", version: about.version });
    default:
      return false;
  }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): true {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : text);
  return true;
}
