import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isFailure } from "../../src/dialects/canonical/collect.ts";
import type { Tool } from "../../src/dialects/canonical/conversation.ts";
import type { ReplyEvent, UpstreamFailure } from "../../src/dialects/canonical/reply.ts";
import { legalOrder } from "../../src/dialects/canonical/test-parts.ts";
import { codecById } from "../../src/dialects/codecs.ts";
import {
  createStateSeal,
  dialectById,
  type DialectId,
  type Failure,
  type ReplyContext,
  ReplyTranslation,
} from "../../src/dialects/index.ts";
import { failureOf } from "../../src/gateway/stages/refuse.ts";
import { upstreamError } from "../../src/gateway/translation/failure.ts";
import { createNdjsonReader } from "../../src/kernel/lines.ts";
import { createSseReader } from "../../src/kernel/sse.ts";
import { agrees, type Case, casesOf, dialectIds, filesOf, folder, nothingElse, targetsOf } from "./matrix.ts";
import { parsedExactly, parsedFile, readable } from "./matrix.ts";
import { sealKey, withoutEnvelopes } from "./sealed-words.ts";

/*
 * Replies of providers, whole and streamed, as clients of each other dialect get them. What is written is read again by the
 * reader of its own dialect. `<case>.with.json` may say which tools the request had, and which of them were changed for it.
 */

const recorded = parsedFile(join(folder, "replies/recorded.json")) as Readonly<Record<DialectId, readonly string[]>>;
const cases = casesOf("replies", (from) => recorded[from]);
const streams = cases.filter(({ file }) => !file.endsWith(".json"));
const wholes = cases.filter(({ file }) => file.endsWith(".json"));

const requestId = "01golden";
const providers: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "anthropic",
  gemini: "google",
  ollama: "ollama",
  "openai-chat": "openrouter",
  "openai-responses": "openai",
};
/** What clients ask for that want to see everything. */
const echoes: Readonly<Partial<Record<DialectId, ReplyContext["echo"]>>> = {
  gemini: { includeThoughts: true },
  "openai-chat": { includesUsage: true },
};

function translationFor({ from, settings }: Case, to: DialectId): ReplyTranslation {
  const context: ReplyContext = {
    requestId,
    createdAt: 1_800_000_000,
    model: "asked",
    framing: endingOf(to) === "ndjson" ? "ndjson" : "sse",
    echo: echoes[to] ?? {},
    tools: (settings["tools"] ?? []) as readonly Tool[],
    estimatedInput: 77,
    seal: createStateSeal(sealKey),
  };
  const changedTools = new Map(Object.entries((settings["changedTools"] ?? {}) as Readonly<Record<string, Tool>>));
  return new ReplyTranslation({
    from,
    to,
    origin: { provider: providers[from], requestId },
    context,
    changedTools,
    remember: undefined,
  });
}

function endingOf(to: DialectId): "sse" | "ndjson" {
  return to === "ollama" ? "ndjson" : "sse";
}

/** As the gateway tells it. */
function toldAs(failure: UpstreamFailure): Failure {
  const names = { provider: "P", credential: "cred_1", model: "m", estimatedInput: 77, contextTokens: 1_000 };
  return failureOf(
    upstreamError(failure, names, (text) => text),
    requestId,
  );
}

function streamed(each: Case, to: DialectId, chunkBytes: number): string {
  const bytes = readFileSync(each.file);
  const translation = translationFor(each, to);
  let text = "";
  for (let at = 0; at < bytes.length && translation.failure === undefined; at += chunkBytes)
    text += translation.push(bytes.subarray(at, at + chunkBytes));
  if (translation.failure === undefined) text += translation.end();
  return translation.failure === undefined ? text : text + translation.fail(toldAs(translation.failure));
}

/** What a client of the dialect reads. */
function readBack(to: DialectId, text: string): readonly ReplyEvent[] {
  const bytes = Buffer.from(text);
  const decoder = codecById(to).createStreamDecoder({ provider: "gateway", requestId: "again" });
  if (endingOf(to) === "sse") {
    const reader = createSseReader(1_000_000);
    const events = [...reader.push(bytes), ...reader.end()].flatMap((event) => decoder.push(event));
    return [...events, ...decoder.end()];
  }
  const reader = createNdjsonReader(1_000_000);
  const lines = [...reader.push(bytes), ...reader.end()];
  const events = lines.flatMap((line) => decoder.push({ name: "message", data: line.toString("utf8") }));
  return [...events, ...decoder.end()];
}

for (const each of streams) {
  for (const to of targetsOf(each)) {
    test(`${each.name}: a stream of ${each.from} is, to ${to}, what its golden file says, and in order`, () => {
      const text = streamed(each, to, Number.MAX_SAFE_INTEGER);
      agrees(each, `${to}.golden.${endingOf(to)}`, withoutEnvelopes(text));
      assert.equal(streamed(each, to, 7), text, "it is another if it comes in small pieces");
      const events = readBack(to, text);
      legalOrder(events);
      const translation = translationFor(each, to);
      translation.push(readFileSync(each.file));
      translation.end();
      assert.equal(events.at(-1)?.type, translation.failure === undefined ? "finish" : "failure");
    });
  }
}

for (const each of wholes) {
  for (const to of targetsOf(each)) {
    test(`${each.name}: a whole reply of ${each.from} is, to ${to}, what its golden file says`, () => {
      const translation = translationFor(each, to);
      const text = translation.whole(readFileSync(each.file), false);
      const { failure } = translation;
      assert.equal(text === undefined, failure !== undefined);
      if (failure !== undefined) {
        const { status, body } = dialectById(to).failure.encode(toldAs(failure));
        const shown = { status, body: JSON.parse(body.toString("utf8")) as unknown };
        return agrees(each, `${to}.golden.json`, `${readable(shown)}\n`);
      }
      const body = JSON.parse(text ?? "") as Readonly<Record<string, unknown>>;
      const shown = readable({ status: 200, body: parsedExactly(text ?? "") });
      agrees(each, `${to}.golden.json`, `${withoutEnvelopes(shown)}\n`);
      assert.ok(!isFailure(codecById(to).decodeReply(body, { provider: "gateway", requestId: "again" })));
    });
  }
}

test("the replies are many, of every dialect, and nothing else lies beside them", () => {
  assert.ok(streams.length >= 20, `${streams.length} streams`);
  assert.ok(wholes.length >= 12, `${wholes.length} whole replies`);
  for (const from of dialectIds) {
    assert.ok(streams.filter((each) => each.from === from).length >= 4, from);
    assert.ok(wholes.filter((each) => each.from === from).length >= 2, from);
  }
  const goldens = cases.flatMap((each) =>
    targetsOf(each).map((to) => {
      const ending = each.file.endsWith(".json") ? "json" : endingOf(to);
      return `${each.from}/${each.name}.${to}.golden.${ending}`;
    }),
  );
  assert.equal(new Set(goldens).size, goldens.length, "two cases have the same name");
  assert.ok(goldens.length >= cases.length * 4 - 3, "nearly all of them to four others");
  nothingElse("replies", new Set([...cases.flatMap(filesOf), ...goldens]));
});
