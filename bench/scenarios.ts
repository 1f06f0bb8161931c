import { codingReply, codingRequest, smallChatReply, smallChatRequest, streamEvents, streamRequest } from "./bodies.ts";

export type ScenarioId = "s1" | "s2" | "s3";

/** One kind of exchange, asked for again and again over a fixed number of connections. */
export interface Scenario {
  readonly id: ScenarioId;
  readonly title: string;
  readonly dialect: "openai-chat" | "anthropic-messages";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: Buffer;
  readonly reply: Reply;
  /** How many exchanges are under way at any time. */
  readonly connections: number;
}

/** The chunks are written one at a time, with a turn of the event loop between them. */
export interface Reply {
  readonly contentType: string;
  readonly chunks: readonly Buffer[];
  /** Events of a stream; 0 of a reply in one piece. */
  readonly events: number;
}

const anthropicHeaders = { "content-type": "application/json", "anthropic-version": "2023-06-01" };

function json(body: Buffer): Reply {
  return { contentType: "application/json", chunks: [body], events: 0 };
}

function eventStream(count: number, eventsPerChunk: number): Reply {
  const events = streamEvents(count);
  const chunks: Buffer[] = [];
  for (let at = 0; at < count; at += eventsPerChunk) {
    chunks.push(Buffer.from(events.slice(at, at + eventsPerChunk).join("")));
  }
  return { contentType: "text/event-stream", chunks, events: count };
}

export const scenarios: readonly Scenario[] = [
  {
    id: "s1",
    title: "small chat, 0.25 KB in, 1 KB out",
    dialect: "openai-chat",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json" },
    request: smallChatRequest(),
    reply: json(smallChatReply()),
    connections: 32,
  },
  {
    id: "s2",
    title: "coding agent, 200 KB in, 1 KB out",
    dialect: "anthropic-messages",
    path: "/v1/messages",
    headers: anthropicHeaders,
    request: codingRequest(),
    reply: json(codingReply()),
    connections: 16,
  },
  {
    id: "s3",
    title: "stream of 100 events in bursts of 10",
    dialect: "anthropic-messages",
    path: "/v1/messages",
    headers: anthropicHeaders,
    request: streamRequest(),
    reply: eventStream(100, 10),
    connections: 16,
  },
];

export function scenario(id: string): Scenario {
  const found = scenarios.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`there is no scenario ${id}`);
  return found;
}

export function replyBytes({ reply }: Scenario): number {
  return reply.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
