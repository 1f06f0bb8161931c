import type { HttpRequest } from "../http.ts";
import type { PlainHead } from "./head.ts";
import { PlainRequest } from "./request.ts";

/** Works something out of nothing but a request's head, once for as long as the head comes again on its connection. */
export function ofHead<Result extends object>(
  work: (request: HttpRequest) => Result,
): (request: HttpRequest) => Result {
  const known = new WeakMap<PlainHead, Result>();
  return (request) => {
    if (!(request instanceof PlainRequest)) return work(request);
    const found = known.get(request.head);
    if (found !== undefined) return found;
    const result = work(request);
    known.set(request.head, result);
    return result;
  };
}
