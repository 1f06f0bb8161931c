import type { RequestParts, Sender } from "./raw-request.ts";

/** One way to make a request wrong. */
export type Row = readonly [name: string, twist: (sender: Sender) => RequestParts];

/** A value as it may stand in the name of a test. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 50)}… (${text.length} bytes)` : text);
}
