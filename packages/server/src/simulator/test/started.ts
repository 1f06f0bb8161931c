import { type ClientRequest, type IncomingHttpHeaders, request } from "node:http";
import type { TestContext } from "node:test";
import type { Script } from "../script.ts";
import { scriptHeaders } from "../script.ts";
import { createSimulator, type Simulator, type SimulatorOptions } from "../simulator.ts";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as it came in, piece by piece. */
  readonly pieces: readonly Buffer[];
  /** Whether the response was complete, as HTTP sees it. */
  readonly isWhole: boolean;
  text(): string;
  json(): Json;
}

/** JSON that a test looks into without ceremony; what it finds, it compares by `assert`. */
export type Json = { readonly [name: string]: Json } & readonly Json[];

export interface Started {
  readonly simulator: Simulator;
  readonly url: string;
  /** Sends a request and reads the response to its end. Rejects when the connection breaks before the head. */
  send(sending: Sending): Promise<Reply>;
}

export interface Sending {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly script?: Script;
  /** Is given the request, to break it off. */
  readonly onRequest?: (call: ClientRequest) => void;
  /** Is told about every piece of the response. */
  readonly onPiece?: (piece: Buffer) => void;
}

export const keyHeaders = { authorization: "Bearer sk-test", "anthropic-version": "2023-06-01" };

/** The smallest valid request of each API. */
export const smallest = {
  messages: {
    path: "/v1/messages",
    body: { model: "m", max_tokens: 500, messages: [{ role: "user", content: "hello" }] },
  },
  chat: { path: "/v1/chat/completions", body: { model: "m", messages: [{ role: "user", content: "hello" }] } },
  responses: { path: "/v1/responses", body: { model: "m", input: "hello" } },
} as const;

/** A simulator on a free port, closed when the test ends. */
export async function started(t: TestContext, options: SimulatorOptions = {}): Promise<Started> {
  const simulator = createSimulator(options);
  const { url } = await simulator.listen();
  t.after(() => simulator.close());
  return { simulator, url, send: (sending) => send(url, sending) };
}

function send(url: string, sending: Sending): Promise<Reply> {
  const { method = "POST", path, body, headers = keyHeaders, script } = sending;
  return new Promise((resolve, reject) => {
    const call = request(`${url}${path}`, {
      method,
      agent: false,
      headers: { ...headers, ...(script && scriptHeaders(script)) },
    });
    sending.onRequest?.(call);
    let hasHead = false;
    call.on("error", (error) => hasHead || reject(error)); // after the head, `isWhole` tells
    call.on("response", (incoming) => {
      hasHead = true;
      const pieces: Buffer[] = [];
      incoming.on("data", (piece: Buffer) => {
        pieces.push(piece);
        sending.onPiece?.(piece);
      });
      incoming.on("error", () => undefined);
      incoming.once("close", () => {
        const whole = Buffer.concat(pieces);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: whole,
          pieces,
          isWhole: incoming.complete,
          text: () => whole.toString(),
          json: () => JSON.parse(whole.toString()) as Json,
        });
      });
    });
    call.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
  });
}

/** The events of a stream: their names, where they have one, and their data. */
export function eventsOf(text: string): readonly { readonly name: string | undefined; readonly data: string }[] {
  const blocks = text.split("\n\n").filter((block) => block.includes("data:"));
  return blocks.map((block) => ({
    name: /^event: (.+)$/m.exec(block)?.[1],
    data: /^data: (.+)$/m.exec(block)?.[1] ?? "",
  }));
}
