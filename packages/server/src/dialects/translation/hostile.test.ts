import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import type { DialectId } from "../dialect.ts";
import { refusalOf } from "./reply.ts";
import { conversations } from "./test/conversations.ts";
import { damaged, damages, endingOf, endMarks } from "./test/hostile.ts";
import { dialectIds, pairs, replyTo, translated } from "./test/provider.ts";
import { runs } from "./test/runs.ts";
import { cutAt, stream, streams } from "./test/streams.ts";
import { wireOf } from "./test/wire.ts";

const caller = fc.constantFrom(...dialectIds);
const places = fc.array(fc.nat(100_000), { maxLength: 4 });

describe("whatever a provider sends", () => {
  test("a damaged stream is translated or fails, and never throws but what callers are told", () => {
    fc.assert(
      fc.property(stream, caller, damages, places, (given, from, what, cuts) => {
        if (from === given.dialect) return;
        const bytes = damaged(given, what);
        endingOf(replyTo({ from, to: given.dialect }), cutAt(bytes, cuts));
      }),
      runs(120),
    );
  });

  test("a stream without the provider's end has none for the caller", () => {
    fc.assert(
      fc.property(stream, caller, damages, (given, from, what) => {
        if (from === given.dialect) return;
        const bytes = damaged(given, what);
        if (
          endMarks[given.dialect].test(bytes.toString("utf8").replaceAll(/"(?:finish_reason|stop_reason)": ?null/g, ""))
        )
          return;
        assert.notEqual(endingOf(replyTo({ from, to: given.dialect }), [bytes]), "end", bytes.toString());
      }),
      runs(120),
    );
  });

  test("a stream that is cut before its last word fails, wherever that is", () => {
    for (const given of streams) {
      const mark = endMarks[given.dialect];
      const text = given.bytes.toString("latin1");
      const bare = text.replaceAll(/"(?:finish_reason|stop_reason)": ?null/g, (found) => "x".repeat(found.length));
      const end = given.dialect === "ollama" ? bare.search(/"done": ?true/) : bare.search(mark);
      if (end < 0) continue;
      for (let place = end; place >= 0; place -= Math.max(1, Math.floor(end / runs(10).numRuns))) {
        for (const from of dialectIds.filter((id) => id !== given.dialect)) {
          const ending = endingOf(replyTo({ from, to: given.dialect }), [given.bytes.subarray(0, place)]);
          assert.notEqual(ending, "end", `${given.dialect} ${given.name} cut at ${place} for ${from}`);
        }
      }
    }
  });

  test("bytes of no meaning are a failure, streamed, gathered and whole", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each)),
      fc.json().map((json) => Buffer.from(json)),
      fc.json().map((json) => Buffer.from(`data: ${json}\n\n`)),
      fc.json().map((json) => Buffer.from(`${json}\n`)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...pairs), bytes, fc.constantFrom(200, 400, 429, 500), (pair, given, status) => {
        assert.notEqual(endingOf(replyTo(pair), [given]), "end");
        for (const isStream of [true, false]) {
          const translation = replyTo(pair);
          assert.equal(
            refusedOr(() => translation.whole(given, isStream)),
            undefined,
          );
        }
        assert.equal(
          refusedOr(() => replyTo(pair).wholeAsStream(given)),
          undefined,
        );
        assert.equal(typeof refusalOf(pair.to, status, given).kind, "string");
      }),
      runs(50),
    );
  });

  test("a stream that fails ends with the dialect's own failure, at whatever place", () => {
    const failure = { code: "upstream_broke", status: 502, message: "it broke", requestId: "r" } as const;
    fc.assert(
      fc.property(stream, caller, fc.nat(100_000), (given, from, place) => {
        if (from === given.dialect) return;
        const translation = replyTo({ from, to: given.dialect });
        const text = translation.push(given.bytes.subarray(0, place % (given.bytes.length + 1))) + translation.ping();
        if (isOver(from, text)) return;
        const told = text + translation.fail(failure);
        assert.match(told, /it broke/);
        assert.ok(!isOver(from, told), told);
      }),
      runs(50),
    );
  });
});

/** What a call gives, or nothing if it is refused in words. */
function refusedOr<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

/** Whether a stream has had its normal end. */
function isOver(from: DialectId, text: string): boolean {
  const ends: Readonly<Record<DialectId, RegExp>> = {
    "anthropic-messages": /^event: message_stop$/m,
    gemini: /"finishReason"/,
    ollama: /"done":true/,
    "openai-chat": /^data: \[DONE\]$/m,
    "openai-responses": /^event: response\.(?:completed|incomplete)$/m,
  };
  return ends[from].test(text);
}

describe("whatever a caller sends", () => {
  const refusals = ["invalid_request", "missing_field", "too_deep", "invalid_json"];

  function translateOrRefuse(from: DialectId, to: DialectId, body: object): void {
    try {
      translated({ from, to, body, stream: true });
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      assert.ok(refusals.includes(thrown.code), `${thrown.code}: ${thrown.message}`);
      assert.equal(thrown.status, 400);
    }
  }

  test("any JSON object is translated or refused with a word", () => {
    const key = fc.constantFrom(
      "messages",
      "input",
      "contents",
      "tools",
      "system",
      "model",
      "tool_choice",
      "prompt",
      "stop",
    );
    const body = fc.dictionary(fc.oneof(key, fc.string()), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.constantFrom(...pairs), body, ({ from, to }, given) => translateOrRefuse(from, to, given)),
      runs(50),
    );
  });

  test("so is a real request with anything at one of its places", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>("", null, 0, -1, [], {}, "tool", "__proto__"),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        conversations,
        fc.nat(2_000),
        value,
        ({ from, to }, conversation, place, other) => {
          const { body } = { body: wireOf(from, conversation) };
          const given = at(body, place, other);
          if (typeof given === "object" && given !== null && !Array.isArray(given)) translateOrRefuse(from, to, given);
        },
      ),
      runs(50),
    );
  });
});

/** The same document with another value at one of its places. */
function at(value: unknown, place: number, other: unknown): unknown {
  let left = place;
  const walk = (each: unknown): unknown => {
    if (left-- === 0) return other;
    if (Array.isArray(each)) return each.map(walk);
    if (typeof each !== "object" || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, member]) => [key, walk(member)]));
  };
  return walk(value);
}
