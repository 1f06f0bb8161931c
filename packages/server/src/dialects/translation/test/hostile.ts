import fc from "fast-check";
import { AppError } from "../../../kernel/errors.ts";
import type { DialectId } from "../../dialect.ts";
import type { ReplyTranslation } from "../reply.ts";
import type { Recorded } from "./streams.ts";

/* Streams as no provider should send them: real ones that were damaged, and bytes of no meaning. */

/** What somebody does to a stream: by its bytes, or by its events. */
type Damage =
  | { readonly what: "byte"; readonly at: number; readonly byte: number }
  | { readonly what: "cut" | "lose" | "repeat" | "swap"; readonly at: number }
  | { readonly what: "insert"; readonly at: number; readonly text: string }
  | { readonly what: "value"; readonly at: number; readonly value: unknown };

const at = fc.nat(100_000);
const fragment = fc.oneof(
  fc.constantFrom(
    "\n\n",
    "data: \n\n",
    "data: [DONE]\n\n",
    "data: null\n\n",
    "data: []\n\n",
    "data: {}\n\n",
    "event: error\ndata: {}\n\n",
    "event: message_stop\ndata: 7\n\n",
    ": \n",
    "{}\n",
    "[]\n",
    '{"error":null}\n',
    '{"message":{"tool_calls":[{"function":null}]}}\n',
    '{"done":true}{"done":true}\n',
  ),
  fc.json({ maxDepth: 3 }).map((json) => `data: ${json}\n\n`),
  fc.json({ maxDepth: 3 }).map((json) => `${json}\n`),
);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ what: fc.constant("byte" as const), at, byte: fc.nat(255) }),
  fc.record({ what: fc.constantFrom("cut" as const, "lose" as const, "repeat" as const, "swap" as const), at }),
  fc.record({ what: fc.constant("insert" as const), at, text: fragment }),
  fc.record({
    what: fc.constant("value" as const),
    at,
    value: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom("", null, 0, -1, [], {})),
  }),
);
export const damages = fc.array(damage, { minLength: 1, maxLength: 4 });

export function damaged({ dialect, bytes }: Recorded, all: readonly Damage[]): Buffer {
  return all.reduce((last: Buffer, each) => apply(dialect, last, each), bytes);
}

function apply(dialect: DialectId, bytes: Buffer, each: Damage): Buffer {
  if (each.what === "byte") {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[each.at % copy.length] = each.byte;
    return copy;
  }
  if (each.what === "cut") return bytes.subarray(0, each.at % (bytes.length + 1));
  const gap = dialect === "ollama" ? "\n" : "\n\n";
  const events = bytes.toString("utf8").replaceAll("\r\n", "\n").split(gap);
  const place = each.at % events.length;
  const event = events[place] ?? "";
  if (each.what === "lose") events.splice(place, 1);
  else if (each.what === "repeat") events.splice(place, 0, event);
  else if (each.what === "insert") events.splice(place, 0, each.text.trimEnd());
  else if (each.what === "value") events[place] = altered(event, each.at, each.value);
  else events.splice(place, 2, events[place + 1] ?? "", event);
  return Buffer.from(events.join(gap));
}

/** The event with another value at one of the places of its document. */
function altered(event: string, place: number, value: unknown): string {
  const start = event.indexOf("{");
  if (start < 0) return event;
  try {
    const document: unknown = JSON.parse(event.slice(start));
    const places = countOf(document);
    return event.slice(0, start) + JSON.stringify(replaced(document, { left: place % places }, value));
  } catch {
    return event;
  }
}

function countOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return 1 + Object.values(value).reduce((sum: number, each) => sum + countOf(each), 0);
}

function replaced(value: unknown, place: { left: number }, other: unknown): unknown {
  if (place.left-- === 0) return other;
  if (Array.isArray(value)) return value.map((each: unknown) => replaced(each, place, other));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, place, other)]));
}

/** How a stream ended for its caller: with the provider's end, as a failure, or as one that is refused. */
export function endingOf(translation: ReplyTranslation, chunks: readonly Buffer[]): "end" | "failure" | "refused" {
  try {
    for (const chunk of chunks) translation.push(chunk);
    translation.end();
  } catch (thrown) {
    if (thrown instanceof AppError) return "refused";
    throw thrown;
  }
  return translation.failure === undefined ? "end" : "failure";
}

/** Words without which no provider of the dialect has said that its reply is over. */
export const endMarks: Readonly<Record<DialectId, RegExp>> = {
  "anthropic-messages": /stop_reason|message_stop/,
  gemini: /finishReason|blockReason/,
  ollama: /"done"/,
  "openai-chat": /finish_reason|\[DONE\]/,
  "openai-responses": /response\.(?:completed|incomplete)/,
};
