import { AppError } from "../../kernel/errors.ts";

/** Forms of a reply in which its usage cannot be read: `alt=proto`, `alt=media`, a script that calls back. */
const unreadable = /[?&](?:\$|%24)?(?:alt=(?!(?:json|sse)(?:[;&]|%3b|$))|callback=)/i;

/** Throws `invalid_request` where the address asks for a reply that is neither JSON nor server-sent events of it. */
export function checkQuery(query: string): void {
  if (!unreadable.test(query)) return;
  throw new AppError("invalid_request", {
    problem: "only `alt=json` and `alt=sse` are spoken here, without `callback`",
  });
}
