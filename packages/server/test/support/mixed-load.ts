/**
 * Callers of every sort at once: plain replies and streams in three dialects, slow ones, callers that leave, providers
 * that refuse or break off, models that do not exist. Each request is remembered, with what became of it as its caller
 * saw it. Its tag travels as the session id, which both the provider gets to see and the request's row keeps.
 */
import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import type { Outcome } from "../../src/usage/index.ts";
import { simulated } from "./gateway.ts";
import type { Random } from "./random.ts";

export interface AskedRequest {
  readonly tag: string;
  /** How it must be recorded if its reply ends for the caller. */
  readonly outcome: Outcome;
  /** What the provider reports, where it comes to that. */
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
  /** From the reply's head. */
  requestId: string | undefined;
  status: number | undefined;
  /** Whether the caller got the reply to its last byte. */
  ended: boolean;
  /** Whether the caller hung up. */
  left: boolean;
}

export interface MixedLoad {
  /** Resolves with the first reply that ended, which takes a fresh gateway the longest; or if there will be none. */
  readonly underWay: Promise<unknown>;
  /** Asks nothing more, and resolves once every caller has its reply or knows that there will be none. */
  stop(): Promise<void>;
}

interface Plan {
  readonly dialect: keyof typeof paths;
  readonly stream: boolean;
  readonly script: Script;
  readonly outcome: Outcome;
  readonly model?: string;
  /** The caller hangs up after so long. */
  readonly leavesAfterMs?: number;
  /** Whether the reply, if it comes whole, reports tokens. */
  readonly reports: boolean;
}

const dialects = ["anthropic-messages", "openai-chat", "openai-responses"] as const;

const paths = {
  "anthropic-messages": "/v1/messages",
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
} as const;

const contents = {
  "anthropic-messages": { max_tokens: 400, messages: [{ role: "user", content: "hello" }] },
  "openai-chat": { messages: [{ role: "user", content: "hello" }] },
  "openai-responses": { input: "hello" },
} as const;

let tagCount = 0;

/**
 * Starts `callers` callers, each of whom asks again as soon as it is done, until it finds that the gateway is gone.
 * `asked` grows as they go.
 */
export function startMixedLoad(
  gate: { readonly url: string; readonly key: string },
  callers: number,
  random: Random,
  asked: AskedRequest[],
): MixedLoad {
  const agent = new Agent({ keepAlive: true });
  const firstReply = Promise.withResolvers<void>();
  let stopped = false;
  const call = async (): Promise<void> => {
    while (!stopped) {
      const plan = planRequest(random);
      const tokens = plan.reports ? { input: random.between(1, 900), output: random.between(1, 900) } : undefined;
      const fresh = { requestId: undefined, status: undefined, ended: false, left: false };
      const facts: AskedRequest = { tag: `tag-${++tagCount}`, outcome: plan.outcome, tokens, ...fresh };
      asked.push(facts);
      await ask(gate, agent, plan, facts);
      if (facts.ended) firstReply.resolve();
      if (facts.status === undefined && !facts.left) return;
    }
  };
  const all = Promise.all(Array.from({ length: callers }, call));
  return {
    underWay: Promise.race([firstReply.promise, all]),
    async stop() {
      stopped = true;
      await all;
      agent.destroy();
    },
  };
}

function planRequest(random: Random): Plan {
  const dialect = random.pick(dialects);
  const slow = { paceMs: random.between(2, 25), deltas: random.between(4, 12) };
  const plain = { dialect, stream: false, script: {}, outcome: "ok", reports: true } as const;
  const stream = { ...plain, stream: true } as const;
  const sorts: readonly [Plan, ...Plan[]] = [
    plain,
    plain,
    plain,
    { ...plain, script: { delayMs: random.between(1, 80) } },
    stream,
    stream,
    stream,
    { ...stream, script: slow },
    { ...stream, script: slow },
    { ...stream, script: { ...slow, chunkBytes: 37 } },
    { ...stream, script: slow, leavesAfterMs: random.between(1, 60) },
    { ...plain, script: { delayMs: 120 }, leavesAfterMs: random.between(1, 60) },
    { ...plain, script: { status: random.pick([400, 429, 500, 529]) }, outcome: "upstream_error", reports: false },
    {
      ...stream,
      script: { drop: random.pick(["reset", "close", "end"]), dropAtEvent: random.between(1, 4), writes: "event" },
      outcome: "broken",
      reports: false,
    },
    { ...plain, model: "no-such-model", outcome: "refused", reports: false },
  ];
  return random.pick(sorts);
}

/** Resolves when the exchange is over for the caller, however it went. */
function ask(
  gate: { readonly url: string; readonly key: string },
  agent: Agent,
  plan: Plan,
  facts: AskedRequest,
): Promise<void> {
  const { dialect, stream, model = `${simulated[dialect]}/test-model` } = plan;
  const script = facts.tokens === undefined ? plan.script : { ...plan.script, usage: facts.tokens };
  const headers = {
    authorization: `Bearer ${gate.key}`,
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-claude-code-session-id": facts.tag,
    ...scriptHeaders(script),
  };
  return new Promise((resolve) => {
    const call: ClientRequest = request(gate.url + paths[dialect], { method: "POST", agent, headers });
    const leaving =
      plan.leavesAfterMs === undefined ? undefined : setTimeout(() => hangUp(call, facts), plan.leavesAfterMs);
    const over = (): void => {
      clearTimeout(leaving);
      resolve();
    };
    call.on("response", (response: IncomingMessage) => {
      facts.requestId = String(response.headers["x-request-id"]);
      facts.status = response.statusCode;
      response.on("end", () => (facts.ended = response.complete));
      response.on("error", () => undefined); // followed by `close`
      response.on("close", over);
      response.resume();
    });
    call.on("error", over);
    call.end(JSON.stringify({ model, stream, ...contents[dialect] }));
  });
}

function hangUp(call: ClientRequest, facts: AskedRequest): void {
  facts.left = true;
  call.destroy();
}
