import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Collector, eventsOf, isFailure } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import type { ReplyTranslation } from "./reply.ts";
import { replies } from "./test/conversations.ts";
import { cutAt, dressed, stream, toldOf } from "./test/streams.ts";
import { contextOf, dialectIds, pairs, replyTo } from "./test/provider.ts";
import { runs } from "./test/runs.ts";
import { eventsIn } from "./test/wire.ts";

/* fast-check names the seed and the path of what fails. */

const caller = fc.constantFrom(...dialectIds);
const dress = fc.constantFrom("plain", "crlf", "cr", "comments", "bom");
const places = fc.array(fc.nat(100_000), { maxLength: 12 });

describe("a stream", () => {
  test("says the same wherever its bytes are cut, and however its lines end", () => {
    fc.assert(
      fc.property(stream, caller, dress, places, (given, from, how, cuts) => {
        if (from === given.dialect) return;
        const pair = { from, to: given.dialect };
        const whole = toldOf(replyTo(pair), [given.bytes]);
        const pieces = cutAt(dressed(given, how), cuts);
        assert.equal(toldOf(replyTo(pair), pieces), whole, `${given.dialect} ${given.name} to ${from}`);
      }),
      runs(200),
    );
  });
});

const context = { echo: { includesUsage: true, includeThoughts: true } };

/** A reply as a provider would send it. */
function sentBy(to: DialectId, reply: Reply, stream: boolean): Buffer {
  const codec = codecById(to);
  if (!stream) return Buffer.from(JSON.stringify(codec.encodeReply(reply, contextOf(to, context))));
  const encoder = codec.createStreamEncoder(contextOf(to, context));
  const text = eventsOf(reply).map((event) => encoder.push(event));
  return Buffer.from(text.join(""));
}

/** What a caller's own software reads out of what it got. */
function readBy(from: DialectId, bytes: Buffer, stream: boolean): Reply {
  const origin = { provider: "p", requestId: "read" };
  const codec = codecById(from);
  if (!stream) {
    const reply = codec.decodeReply(JSON.parse(bytes.toString("utf8")) as JsonObject, origin);
    assert.ok(!isFailure(reply), JSON.stringify(reply));
    return reply;
  }
  const decoder = codec.createStreamDecoder(origin);
  const collector = new Collector();
  for (const data of eventsIn(from, bytes)) for (const event of decoder.push(data)) collector.push(event);
  for (const event of decoder.end()) collector.push(event);
  assert.ok(collector.end !== undefined && !isFailure(collector.end), JSON.stringify(collector.end));
  return collector.end;
}

/** What must not change, whatever the dialects. What is refused, not all tell apart from the rest: Ollama's has no word for it. */
function gist({ parts, finish, usage }: Reply, withRefusals: boolean): object {
  const said = (type: string): string =>
    parts.map((part) => (part.type === type && "text" in part ? part.text.replaceAll(/\s+/g, "") : "")).join("");
  const calls = parts.filter((part) => part.type === "tool_call");
  const words = [said("text"), said("refusal")];
  return {
    words: withRefusals ? words : words.join("").split("").toSorted(),
    calls: calls.map((call) => [call.name, JSON.parse(call.arguments || "{}") as unknown]),
    ids: new Set(calls.map(({ id }) => id)).size,
    finish: finish.reason === "refusal" && !withRefusals ? "end" : finish.reason,
    input: usage && usage.input + usage.cacheRead + usage.cacheWrite + usage.cacheWrite1h,
    output: usage?.output,
  };
}

/** The ids are all different in the end, whatever they were. */
function expectedOf(reply: Reply, withRefusals: boolean): object {
  const calls = reply.parts.filter((part) => part.type === "tool_call").length;
  return { ...gist(reply, withRefusals), ids: calls };
}

/** Those that tell a refusal from a text by its part. */
const refusing: readonly DialectId[] = ["openai-chat", "openai-responses"];

describe("a reply", () => {
  for (const { from, to } of pairs) {
    test(`of ${to} says the same to a client of ${from}: words, calls, why it ended and the counts`, () => {
      const knows = refusing.includes(from) && refusing.includes(to);
      fc.assert(
        fc.property(replies, fc.boolean(), fc.boolean(), (reply, isStream, wantsStream) => {
          const sent = sentBy(to, reply, isStream);
          const translation = replyTo({ from, to }, context);
          const got = toldTo(translation, sent, isStream, wantsStream);
          assert.equal(translation.failure, undefined);
          const read = readBy(from, Buffer.from(got), wantsStream);
          assert.deepEqual(gist(read, knows), expectedOf(reply, knows));
        }),
        runs(40),
      );
    });
  }
});

function toldTo(translation: ReplyTranslation, sent: Buffer, isStream: boolean, wantsStream: boolean): string {
  const told = !wantsStream
    ? translation.whole(sent, isStream)
    : isStream
      ? translation.push(sent) + translation.end()
      : translation.wholeAsStream(sent);
  return told ?? assert.fail(JSON.stringify(translation.failure));
}
