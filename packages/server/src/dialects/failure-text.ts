import type { Failure } from "./dialect.ts";

/** What is wrong, and then what to do about it: error objects of these dialects have room for one text only. */
export function failureText({ message, hint }: Failure): string {
  return hint === undefined ? message : `${message}. ${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
}
