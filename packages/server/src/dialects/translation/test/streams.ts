import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Script } from "../../../simulator/script.ts";
import type { DialectId } from "../../dialect.ts";
import { fixtures } from "../../test-parts.ts";
import type { ReplyTranslation } from "../reply.ts";
import { createProvider, dialectIds, translated } from "./provider.ts";

/** What a provider streamed, and what it is known by. */
export interface Recorded {
  readonly name: string;
  readonly dialect: DialectId;
  readonly bytes: Buffer;
}

const calls = [
  { name: "get_weather", arguments: { city: 'Zürich "Höngg" 👩‍👩‍👧', days: 1 } },
  { name: "get_weather", arguments: {} },
];
const scripts: Readonly<Record<string, Script>> = {
  text: { text: "Grüezi! 👩‍👩‍👧 e\u0301 \u2028 one two" },
  calls: { text: "I look.", toolCalls: calls },
  "calls only": { text: "", toolCalls: calls },
  "no usage": { text: "one two three", omit: ["usage"] },
  error: { text: "one two three four five", errorAtEvent: 4 },
};

/** A question that lets the model think and call. */
const question = {
  model: "m",
  messages: [{ role: "user", content: "weather?" }],
  reasoning_effort: "medium",
  tools: [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } }],
};

const provider = createProvider();

function simulated(dialect: DialectId): readonly Recorded[] {
  const from = dialect === "openai-chat" ? "ollama" : "openai-chat";
  const body = from === "ollama" ? { ...question, think: true } : question;
  const request = translated({ from, to: dialect, body, stream: true });
  return Object.entries(scripts).map(([name, script]) => {
    return { name, dialect, bytes: provider.answer(dialect, request, script).bytes };
  });
}

function recorded(dialect: DialectId): readonly Recorded[] {
  const folder = join(fixtures, dialect);
  const files = readdirSync(folder).filter((name) => /\.(?:sse|ndjson)$/.test(name));
  return files.map((name) => ({ name, dialect, bytes: readFileSync(join(folder, name)) }));
}

export const streams: readonly Recorded[] = dialectIds.flatMap((id) => [...simulated(id), ...recorded(id)]);
export const stream: fc.Arbitrary<Recorded> = fc.constantFrom(...streams);

/** What a caller is told of a stream, in all, with how it ended. */
export function toldOf(translation: ReplyTranslation, chunks: readonly Buffer[]): string {
  let text = "";
  for (const chunk of chunks) text += translation.push(chunk);
  text += translation.end();
  return translation.failure === undefined ? text : `${text}\n(${JSON.stringify(translation.failure)})`;
}

/** The same events in another dress: the line ends, and what may stand between events and means nothing. */
export function dressed({ dialect, bytes }: Recorded, dress: "plain" | "crlf" | "cr" | "comments" | "bom"): Buffer {
  const text = bytes.toString("utf8").replaceAll("\r\n", "\n");
  const isLines = dialect === "ollama";
  if (dress === "crlf") return Buffer.from(text.replaceAll("\n", "\r\n"));
  if (isLines) return dress === "comments" ? Buffer.from(text.replaceAll("\n", "\n\n")) : Buffer.from(text);
  if (dress === "cr") return Buffer.from(text.replaceAll("\n", "\r"));
  if (dress === "comments")
    return Buffer.from(`: hello\n${text.replaceAll("\n\n", "\n\n: still here\nid: 7\nretry: 1\n\n")}`);
  return Buffer.from(dress === "bom" ? `\ufeff${text}` : text);
}

export function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const inside = places.map((place) => place % (bytes.length + 1)).toSorted((one, other) => one - other);
  return [...inside, bytes.length].map((end, index) => bytes.subarray(inside[index - 1] ?? 0, end));
}
