/** Requests as bytes, right but for what a test makes wrong about them. All text is Latin-1: a character is a byte. */
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";

/** Who sends a request, and what tells it from all others: the words of its prompt, which are those of its reply too. */
export interface Sender {
  readonly key: string;
  readonly id: string;
}

/** An address of the data plane with the smallest body it takes. */
interface Place {
  readonly path: string;
  readonly provider: string;
  readonly fields: readonly string[];
  members(text: string): string;
}

const message = (text: string): string => `"messages":[{"role":"user","content":"${text}"}]`;

export const places = {
  anthropic: {
    path: "/v1/messages",
    provider: "sim-anthropic",
    fields: ["anthropic-version: 2023-06-01"],
    members: (text) => `"max_tokens":100,${message(text)}`,
  },
  chat: { path: "/v1/chat/completions", provider: "sim-chat", fields: [], members: message },
  responses: { path: "/v1/responses", provider: "sim-responses", fields: [], members: (text) => `"input":"${text}"` },
} as const satisfies Readonly<Record<string, Place>>;

export type PlaceName = keyof typeof places;
export const placeNames = Object.keys(places) as readonly PlaceName[];

/** The good body. A provider gets it with its own name for the model. */
export function bodyOf(place: PlaceName, id: string, model = `${places[place].provider}/test-model`): string {
  return `{"model":"${model}",${places[place].members(id)}}`;
}

/** What a request is made of; what is left out is as it should be. */
export interface RequestParts {
  readonly place?: PlaceName;
  readonly line?: string;
  readonly host?: readonly string[];
  readonly auth?: readonly string[];
  readonly type?: readonly string[];
  /** Header lines that tell where the body ends. */
  readonly framing?: readonly string[];
  readonly extra?: readonly string[];
  /** What the simulated provider is to do instead of saying the id. */
  readonly script?: Script;
  readonly body?: string;
}

/** The bytes of a request; the reply will say the sender's id. */
export function requestBytes(sender: Sender, parts: RequestParts = {}): string {
  const { place = "chat" } = parts;
  const { path, fields } = places[place];
  const { body = bodyOf(place, sender.id) } = parts;
  const script = Object.entries(scriptHeaders(parts.script ?? { text: sender.id })).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const head = [
    parts.line ?? `POST ${path} HTTP/1.1`,
    ...(parts.host ?? ["Host: localhost"]),
    ...(parts.auth ?? [`Authorization: Bearer ${sender.key}`]),
    ...(parts.type ?? ["Content-Type: application/json"]),
    ...fields,
    ...script,
    ...(parts.framing ?? [`Content-Length: ${body.length}`]),
    ...(parts.extra ?? []),
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** A body in one chunk. */
export function chunked(body: string, size = body.length.toString(16)): string {
  return `${size}\r\n${body}\r\n0\r\n\r\n`;
}
