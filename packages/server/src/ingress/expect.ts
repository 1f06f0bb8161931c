import type { IncomingMessage, ServerResponse } from "node:http";

/*
 * `Expect: 100-continue` (RFC 9110 §10.1.1): the sender holds its body back until it is asked for. It is asked for when
 * somebody begins to read, which is after the head was checked and the key was accepted; whoever is refused sends nothing.
 * A reply without `100 Continue` before it closes the connection (Node sees to that): the body may come yet, or not.
 */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Remembers whom to ask for the body. */
export function holdBack(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
}

/** Asks for the body if its sender waits to be asked. To be called by whoever begins to read it. */
export function askForBody(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return;
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}
