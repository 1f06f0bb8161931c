/**
 * What the behaviour tests of the data plane have in common: the smallest request of each dialect, a reply that is read
 * while it comes, and how each dialect words an error.
 */
import assert from "node:assert/strict";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { endpoints, type ErrorCode, type RequestRow } from "@portcullis/contract";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { simulated, type Gate, type Reply } from "../support/gateway.ts";

export type DialectId = keyof typeof simulated;
export const dialectIds = Object.keys(simulated) as DialectId[];

type Headers = Readonly<Record<string, string | null>>;

interface Minimal {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  body(text: string): object;
}

export const minimal: Readonly<Record<DialectId, Minimal>> = {
  "anthropic-messages": {
    path: "/v1/messages",
    headers: { "anthropic-version": "2023-06-01" },
    body: (text) => ({ max_tokens: 500, messages: [{ role: "user", content: text }] }),
  },
  gemini: {
    path: `/v1beta/models/${simulated.gemini}/test-model:generateContent`,
    headers: {},
    body: (text) => ({ contents: [{ role: "user", parts: [{ text }] }] }),
  },
  ollama: {
    path: "/api/chat",
    headers: {},
    body: (text) => ({ stream: false, messages: [{ role: "user", content: text }] }),
  },
  "openai-chat": {
    path: "/v1/chat/completions",
    headers: {},
    body: (text) => ({ messages: [{ role: "user", content: text }] }),
  },
  "openai-responses": { path: "/v1/responses", headers: {}, body: (text) => ({ input: text }) },
};

/** A model that the gateway knows nothing of but its provider. */
export const modelFor = (dialect: DialectId): string => `${simulated[dialect]}/test-model`;

/** Where a request goes and what it says: Gemini's address tells what other dialects have in the body. */
export function requestOf(dialect: DialectId, body: object): { readonly path: string; readonly body: object } {
  const asked: { readonly model?: string; readonly stream?: boolean } = {
    model: modelFor(dialect),
    ...minimal[dialect].body("hello"),
    ...body,
  };
  if (dialect !== "gemini") return { path: minimal[dialect].path, body: asked };
  const { model = "", stream = false, ...rest } = asked;
  const action = stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return { path: `/v1beta/models/${encodeURI(model)}:${action}`, body: rest };
}

/** Asks for a whole reply, unless `body` says otherwise. */
export function ask(
  gate: Pick<Gate, "post">,
  dialect: DialectId,
  body: object = {},
  headers: Headers = {},
): Promise<Reply> {
  const { path, body: sent } = requestOf(dialect, body);
  return gate.post(path, sent, { ...minimal[dialect].headers, ...headers });
}

/** A reply that is read while it comes. */
export interface OpenReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly incoming: IncomingMessage;
  /** What has come so far. */
  text(): string;
  /** The same in the pieces it came in, and when, on the process's own clock. */
  readonly pieces: readonly { readonly atMs: number; readonly bytes: Buffer }[];
  /** Resolves when the reply is over: whether it ended as HTTP has it, or the connection broke. */
  readonly over: Promise<"ended" | "broken">;
  /** Closes the caller's connection. */
  leave(): void;
}

export interface StreamOptions {
  readonly script?: Script;
  readonly key?: string;
  readonly body?: object;
}

/** Asks for a stream; resolves with the head of the reply. */
export function openStream(
  gate: Pick<Gate, "url" | "key">,
  dialect: DialectId,
  options: StreamOptions = {},
): Promise<OpenReply> {
  const { script = {}, key = gate.key, body = {} } = options;
  const { headers } = minimal[dialect];
  const { path, body: sent } = requestOf(dialect, { stream: true, ...body });
  return new Promise((resolve, reject) => {
    const call = request(gate.url + path, {
      method: "POST",
      agent: false,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...headers,
        ...scriptHeaders(script),
      },
    });
    call.setTimeout(10_000, () => call.destroy(new Error("silence for 10 s")));
    call.on("error", reject);
    call.on("response", (incoming) => {
      const pieces: { readonly atMs: number; readonly bytes: Buffer }[] = [];
      incoming.on("data", (bytes: Buffer) => pieces.push({ atMs: performance.now(), bytes }));
      incoming.on("error", () => undefined); // told by `over`
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        incoming,
        text: () => Buffer.concat(pieces.map(({ bytes }) => bytes)).toString("utf8"),
        pieces,
        over: new Promise((done) => incoming.once("close", () => done(incoming.complete ? "ended" : "broken"))),
        leave: () => call.destroy(),
      });
    });
    call.end(JSON.stringify(sent));
  });
}

/** Waits until something holds, looking often; fails when it does not hold in time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs: number = 1_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not within ${withinMs} ms: ${what}`);
    await wait(5);
  }
}

/** The row of the request that was settled last. */
export async function lastRow({ admin }: Pick<Gate, "admin">): Promise<RequestRow> {
  const { data } = await admin.call(endpoints.requests.list, { query: { limit: 1 } });
  assert.ok(data[0]);
  return data[0];
}

/** What marks the normal end of a stream, in any dialect. */
export const normalEnd = /\[DONE\]|event: message_stop|event: response\.completed|"done":true|"finishReason":"STOP"/;

export const requestIdShape = /^[0-9a-hjkmnp-tv-z]{26}$/;

const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  500: "api_error",
  502: "api_error",
  503: "overloaded_error",
  504: "timeout_error",
};

const openaiTypes: Readonly<Record<number, string>> = {
  403: "permission_denied",
  500: "server_error",
  502: "server_error",
  503: "server_error",
  504: "server_error",
};

/** Where OpenAI's clients have a word of their own for what happened. */
const openaiCodes: Readonly<Partial<Record<ErrorCode, string>>> = {
  missing_key: "invalid_api_key",
  invalid_key: "invalid_api_key",
  key_expired: "invalid_api_key",
  key_disabled: "invalid_api_key",
};

const geminiNames: Readonly<Record<"usual" | "unfit", Readonly<Record<number, string>>>> = {
  usual: {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  },
  unfit: { 503: "FAILED_PRECONDITION" },
};

/** Asserts that a reply is this error, with its status and in the shape of the dialect, and gives its message. */
export function assertRefused(dialect: DialectId, reply: Reply, status: number, code: ErrorCode): string {
  assert.equal(reply.status, status, reply.body.toString());
  assert.equal(reply.headers["content-type"], "application/json");
  const requestId = String(reply.headers["x-request-id"]);
  assert.match(requestId, requestIdShape);
  const body = reply.json() as { readonly error: string | { readonly message: string; readonly details?: unknown } };
  const message = typeof body.error === "string" ? body.error : body.error.message;
  assert.equal(typeof message, "string");
  if (dialect === "anthropic-messages") {
    const type = anthropicTypes[status] ?? "invalid_request_error";
    assert.deepEqual(body, { type: "error", error: { type, message }, request_id: requestId });
  } else if (dialect === "gemini") {
    const { [status]: name = "INVALID_ARGUMENT" } = code === "no_credential" ? geminiNames.unfit : geminiNames.usual;
    assert.partialDeepStrictEqual(body, { error: { code: status, message, status: name } });
  } else if (dialect === "ollama") {
    assert.deepEqual(body, { error: message });
  } else {
    const type = openaiTypes[status] ?? "invalid_request_error";
    assert.deepEqual(body, { error: { message, type, param: null, code: openaiCodes[code] ?? code } });
  }
  return message;
}
