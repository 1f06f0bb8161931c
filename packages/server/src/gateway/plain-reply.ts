import type { Visit } from "./routes.ts";

/** Answers with a JSON document of our own; a HEAD request gets its head. */
export function sendJson(
  { request, response, id }: Pick<Visit, "request" | "response" | "id">,
  body: object,
  status = 200,
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, [
    "content-type",
    "application/json",
    "content-length",
    String(Buffer.byteLength(text)),
    "cache-control",
    "no-store",
    "x-request-id",
    id,
  ]);
  response.end(request.method === "HEAD" ? undefined : text);
}
