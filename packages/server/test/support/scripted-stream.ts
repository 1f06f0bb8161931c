import assert from "node:assert/strict";
import { assembled } from "../../src/dialects/translation/test/clients.ts";
import { documentsIn } from "../../src/dialects/translation/test/wire.ts";
import { type DialectId, modelFor, openStream } from "../behaviour/ask.ts";
import type { Gate } from "./gateway.ts";

/* What a caller of one dialect is told of a stream that a provider of another has sent, byte for byte as a test wrote it. */

export type Wire = Readonly<Record<string, unknown>>;

function framed(to: DialectId, events: readonly (Wire | string)[]): string {
  const texts = events.map((event) => (typeof event === "string" ? event : JSON.stringify(event)));
  if (to === "ollama") return texts.map((text) => `${text}\n`).join("");
  return texts.map((text) => `data: ${text}\n\n`).join("");
}

export interface Told {
  readonly text: string;
  readonly documents: readonly Wire[];
  /** As the client has it in the end. */
  readonly reply: Wire;
}

export async function told(
  gate: Gate,
  from: DialectId,
  to: DialectId,
  events: readonly (Wire | string)[],
  body: Wire = {},
): Promise<Told> {
  const contentType = to === "ollama" ? "application/x-ndjson" : "text/event-stream";
  gate.simulator.play([{ script: { body: framed(to, events), contentType } }]);
  const open = await openStream(gate, from, { body: { model: modelFor(to), ...body } });
  await open.over;
  assert.equal(open.status, 200, open.text());
  const text = open.text();
  return {
    text,
    documents: documentsIn(from, text),
    get reply() {
      return assembled(from, text);
    },
  };
}

/** A chunk of a chat stream. */
export const delta = (fields: Wire, finish: string | null = null): Wire => ({
  id: "c1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: fields, finish_reason: finish }],
});
/** More of a call in it. */
export const call = (index: number, text: string, named?: Wire): Wire => {
  return { index, ...named, function: { ...(named && { name: named["name"] ?? "f" }), arguments: text } };
};
/** The beginning of one. */
export const begun = (index: number, text = "", id = `call_${index}`): Wire =>
  call(index, text, { id, type: "function" });
export const done = "[DONE]";
