/**
 * `node bench/translation.ts`: what translation itself costs, without a gateway around it. For every pair of dialects: a stream
 * of 1,000 events on its way back, a request of 200 KB on its way out, and what a request of 4 MB makes others wait.
 * docs/benchmarks.md says more.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { codecById } from "../packages/server/src/dialects/codecs.ts";
import type { ReplyEvent } from "../packages/server/src/dialects/canonical/reply.ts";
import {
  createStateSeal,
  dialects,
  ReplyTranslation,
  translateRequest,
  type DialectId,
  type ReplyContext,
  type TranslationJob,
} from "../packages/server/src/dialects/index.ts";
import { createTranslator } from "../packages/server/src/gateway/translation/translator.ts";
import { systemClock as clock } from "../packages/server/src/kernel/clock.ts";
import { unknownTraits } from "../packages/server/src/kernel/model-traits.ts";
import { noTokens } from "../packages/server/src/kernel/tokens.ts";
import { aboutMachine } from "./machine.ts";
import { percentile } from "./statistics.ts";

const events = 1_000;
const sealKey = randomBytes(32);
const origin = { provider: "some", requestId: "01jd0000000000000000000000" };
const target = { provider: "some", model: "some-model", traits: unknownTraits, asksForUsage: true };
const ids = dialects.map(({ id }) => id);

function contextFor(id: DialectId): ReplyContext {
  const framing = id === "ollama" ? "ndjson" : "sse";
  const same = { requestId: origin.requestId, createdAt: 1_700_000_000, model: "asked", echo: {}, tools: [] };
  return { ...same, framing, estimatedInput: 100, seal: createStateSeal(sealKey) };
}

/** What a provider of the dialect sends for a thousand pieces of text, ten to a chunk. */
function streamOf(id: DialectId): readonly Buffer[] {
  const encoder = codecById(id).createStreamEncoder(contextFor(id));
  const deltas = Array.from(
    { length: events },
    (_, index): ReplyEvent => ({ type: "block_delta", text: `word ${index} ` }),
  );
  const whole: readonly ReplyEvent[] = [
    { type: "start" },
    { type: "block_start", block: { type: "text" } },
    ...deltas,
    { type: "block_end" },
    { type: "finish", finish: { reason: "end" }, usage: { ...noTokens, input: 100, output: events } },
  ];
  const frames = whole.map((event) => encoder.push(event)).filter((text) => text !== "");
  return Array.from({ length: Math.ceil(frames.length / 10) }, (_, index) =>
    Buffer.from(frames.slice(index * 10, index * 10 + 10).join("")),
  );
}

/** Microseconds an event, the median of several streams. */
function timeStream(from: DialectId, to: DialectId): number {
  const chunks = streamOf(from);
  const once = (): number => {
    const options = { from, to, origin, context: contextFor(to), changedTools: new Map(), remember: undefined };
    const translation = new ReplyTranslation(options);
    const reader = codecById(from).usage.stream(from === "ollama" ? "ndjson" : "sse");
    const startedAt = clock.monotonic();
    let written = 0;
    for (const chunk of chunks) {
      reader.push(chunk);
      written += Buffer.from(translation.push(chunk)).length;
    }
    written += translation.end().length;
    reader.end();
    if (written < events * 10 || translation.failure !== undefined) throw new Error(`${from} to ${to} failed`);
    return ((clock.monotonic() - startedAt) * 1_000) / events;
  };
  return medianOf(once, 60);
}

/** A conversation of so many bytes in a caller's dialect, with tools and results, as a coding agent's. */
function requestOf(id: DialectId, sizeBytes: number): Buffer {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
  const turns = Math.ceil(sizeBytes / (text.length + 400));
  const parameters = { type: "object", properties: { command: { type: "string" } }, required: ["command"] } as const;
  const conversation = {
    system: [{ type: "text", text: "You are a helpful assistant." }],
    turns: Array.from({ length: turns }, (_, index) => [
      { role: "user", parts: [{ type: "text", text: `Do step ${index}.` }] },
      {
        role: "assistant",
        parts: [
          {
            type: "tool_call",
            id: `call_${index}`,
            name: "shell",
            kind: "function",
            arguments: '{"command":"ls -la"}',
          },
        ],
      },
      {
        role: "user",
        parts: [
          {
            type: "tool_result",
            callId: `call_${index}`,
            kind: "function",
            parts: [{ type: "text", text }],
            isError: false,
          },
        ],
      },
      { role: "assistant", parts: [{ type: "text", text: "Done." }] },
    ]).flat(),
    tools: [{ kind: "function", name: "shell", description: "Runs a command", parameters }],
    maxOutputTokens: 4_000,
    sampling: {},
    stop: [],
    stream: true,
  } as unknown as Parameters<ReturnType<typeof codecById>["encodeRequest"]>[0];
  const asked = {
    ...conversation,
    turns: [...conversation.turns, { role: "user", parts: [{ type: "text", text: "Go on." }] }],
  };
  return Buffer.from(JSON.stringify(codecById(id).encodeRequest(asked as typeof conversation, target).body));
}

function jobFor(from: DialectId, to: DialectId, body: Buffer): TranslationJob {
  const path = dialects.find(({ id }) => id === from)?.routes[0]?.path ?? "";
  return { body, from, to, stream: true, path, count: false, target, sealKey, remembered: new Map() };
}

function timeRequest(from: DialectId, to: DialectId): number {
  const job = jobFor(from, to, requestOf(from, 200_000));
  return medianOf(() => {
    const startedAt = clock.monotonic();
    translateRequest(job);
    return clock.monotonic() - startedAt;
  }, 60);
}

/** The longest that the event loop stood still while a large body was translated elsewhere. */
async function holdUp(from: DialectId, to: DialectId): Promise<{ readonly tookMs: number; readonly heldMs: number }> {
  const translator = createTranslator();
  const text = requestOf(from, 4_000_000);
  // Each goes over to the thread, and cannot be used again.
  const jobs = Array.from({ length: 6 }, () => jobFor(from, to, Buffer.from(text)));
  const alive = setInterval(() => undefined, 1_000); // the thread alone keeps nothing running
  for (const job of jobs.splice(0, 1)) await translator.request("conversation", job); // starts it
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await wait(50);
  delay.enable();
  const startedAt = clock.monotonic();
  for (const job of jobs) await translator.request("conversation", job);
  const tookMs = (clock.monotonic() - startedAt) / jobs.length;
  await wait(10);
  delay.disable();
  clearInterval(alive);
  await translator.close();
  return { tookMs, heldMs: delay.max / 1e6 };
}

function medianOf(run: () => number, times: number): number {
  for (let index = 0; index < times / 3; index++) run();
  return percentile(Float64Array.from({ length: times }, run).sort(), 0.5);
}

function table(heading: string, unit: string, cell: (from: DialectId, to: DialectId) => number): void {
  console.log(`\n${heading}`);
  const widest = Math.max(...ids.map((id) => id.length));
  console.log(`  ${"from \\ to".padEnd(widest)}  ${ids.map((id) => id.padStart(18)).join("")}`);
  for (const from of ids) {
    const cells = ids.map((to) => (from === to ? "-" : `${cell(from, to).toFixed(2)} ${unit}`).padStart(18));
    console.log(`  ${from.padEnd(widest)}  ${cells.join("")}`);
  }
}

for (const [name, text] of Object.entries(aboutMachine())) console.log(`${name}: ${text}`);
table("a stream's event: read, counted, translated, written (provider's dialect to caller's)", "µs", timeStream);
table("a request of 200 KB (caller's dialect to provider's)", "ms", timeRequest);
const { tookMs, heldMs } = await holdUp("anthropic-messages", "openai-chat");
console.log(
  `\na request of 4 MB: ${tookMs.toFixed(1)} ms in its thread; the event loop stood still for ${heldMs.toFixed(1)} ms at most`,
);
