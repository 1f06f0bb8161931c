import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector, eventsOf, isFailure } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { fixture } from "../test-parts.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { replyContext } from "./test-parts.ts";

/** The events of a stream of lines. */
function decode(lines: readonly string[]): readonly ReplyEvent[] {
  const decoder = createStreamDecoder();
  const events = lines.flatMap((data) => decoder.push({ name: "message", data }));
  return [...events, ...decoder.end()];
}
const decodeText = (text: string): readonly ReplyEvent[] => decode(text.split("\n").filter((line) => line !== ""));
const decodeDocuments = (...documents: readonly object[]): readonly ReplyEvent[] =>
  decode(documents.map((document) => JSON.stringify(document)));

function encode(events: readonly ReplyEvent[], generate = false): string {
  const encoder = createStreamEncoder(replyContext(generate));
  return events.map((event) => encoder.push(event)).join("");
}
const linesOf = (text: string): readonly JsonObject[] => {
  assert.ok(text.endsWith("}\n"));
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
};
const whole = (events: readonly ReplyEvent[]) => {
  const collector = new Collector();
  for (const event of events) collector.push(event);
  return collector.end;
};
const message = (said: object): object => ({
  model: "m",
  message: { role: "assistant", content: "", ...said },
  done: false,
});
const end = { model: "m", message: { role: "assistant", content: "" }, done: true, done_reason: "stop" };
const called = (...calls: readonly object[]): object => message({ tool_calls: calls });
const call = (name: string, args: unknown, id?: string): object => ({ id, function: { name, arguments: args } });
const usage = { ...noTokens, input: 31, output: 24 };

describe("a stream of an engine", () => {
  test("is thoughts, then text, then the counts", () => {
    const events = decodeText(fixture("ollama", "text.ndjson").toString("utf8"));
    legalOrder(events);
    assert.deepEqual(whole(events), {
      parts: [
        { type: "thinking", text: "The user greets me." },
        { type: "text", text: 'Grüß Gott – "so"\n{"done":true,"eval_count":99999}' },
      ],
      finish: { reason: "end" },
      usage,
    });
  });

  test("has calls in one line and its end in the next: they are why it ended (B13, B14)", () => {
    const events = decodeText(fixture("ollama", "tool-call.ndjson").toString("utf8"));
    legalOrder(events);
    assert.deepEqual(whole(events), {
      parts: [
        { type: "text", text: "I look it up." },
        {
          type: "tool_call",
          id: "call_h2k4p9ws",
          name: "get_weather",
          kind: "function",
          arguments: '{"city":"Rom","days":2}',
        },
      ],
      finish: { reason: "tool_calls" },
      usage: { ...noTokens, input: 164, output: 19 },
    });
  });

  test("may have parallel calls in one line or in several, without ids, and one line may hold everything (B03, B09)", () => {
    const all = { thinking: "t", content: "c", tool_calls: [call("f", { a: 1 }), call("f", {})] };
    const one = decodeDocuments({ ...end, message: { role: "assistant", ...all } });
    const two = decodeDocuments(
      message({ thinking: "t", content: "c" }),
      called(call("f", { a: 1 })),
      called(call("f", {})),
      end,
    );
    for (const events of [one, two]) {
      legalOrder(events);
      const reply = whole(events);
      assert.ok(reply !== undefined && !isFailure(reply));
      assert.deepEqual(
        reply.parts.map((part) => (part.type === "tool_call" ? part.arguments : part.text)),
        ["t", "c", '{"a":1}', "{}"],
      );
      assert.equal(reply.finish.reason, "tool_calls");
    }
  });

  test("that says a call again at its end means one call (B21)", () => {
    const again = called(call("f", { a: 1 }, "x"));
    const reply = whole(
      decodeDocuments(again, {
        ...again,
        ...end,
        message: { ...called(call("f", { a: 1 }, "x")), tool_calls: [call("f", { a: 1 }, "x")] },
      }),
    );
    assert.ok(reply !== undefined && !isFailure(reply));
    assert.equal(reply.parts.length, 1);
  });

  test("that was cut stays cut, whatever it called", () => {
    assert.deepEqual(whole(decodeText(fixture("ollama", "length.ndjson").toString("utf8"))), {
      parts: [{ type: "text", text: "Once upon" }],
      finish: { reason: "length" },
      usage: { ...noTokens, input: 12, output: 2 },
    });
    const cut = whole(decodeDocuments(called(call("f", {})), { ...end, done_reason: "length" }));
    assert.ok(cut !== undefined && !isFailure(cut));
    assert.equal(cut.finish.reason, "length");
  });

  test("without counts states no usage: the prompt's are missing where the engine had it in memory", () => {
    const reply = whole(decodeText(fixture("ollama", "cached-prompt.ndjson").toString("utf8")));
    assert.ok(reply !== undefined && !isFailure(reply));
    assert.equal(reply.usage, undefined);
  });

  test("of /api/generate is read too", () => {
    const reply = whole(decodeText(fixture("ollama", "generate.ndjson").toString("utf8")));
    assert.ok(reply !== undefined && !isFailure(reply));
    assert.deepEqual(reply.parts, [{ type: "text", text: "Rome is old" }]);
  });

  test("fails with an error line, where it breaks off, and where it is no JSON (B18, B19)", () => {
    const kindOf = (events: readonly ReplyEvent[]): string => {
      legalOrder(events);
      const found = whole(events);
      assert.ok(found !== undefined && isFailure(found));
      return `${found.kind}: ${found.message}`;
    };
    assert.match(kindOf(decodeText(fixture("ollama", "error.ndjson").toString("utf8"))), /^server: .*unexpected EOF$/);
    assert.match(kindOf(decodeDocuments(message({ content: "Half" }))), /^broken: /);
    assert.match(kindOf(decodeDocuments(called(call("f", {})))), /^broken: /);
    assert.match(kindOf(decode([])), /^broken: /);
    assert.match(kindOf(decode(["<html>"])), /^broken: /);
    assert.match(kindOf(decode(["[1]"])), /^broken: /);
    const said = (error: unknown): string => kindOf(decodeDocuments({ error })).split(":")[0] ?? "";
    assert.equal(said("server busy, please try again"), "overloaded");
    assert.equal(said("you have reached your weekly usage limit"), "rate_limited");
    assert.equal(said("context deadline exceeded"), "timeout");
    assert.equal(said("model 'x' not found"), "not_found");
    assert.equal(said("unauthorized"), "refused_key");
    assert.equal(said({ message: "the input length exceeds the context length" }), "context_too_long");
  });

  test("a call without a name is no call: alone, it is why the reply ended", () => {
    const reply = whole(decodeDocuments(called(call("", {}), {}), end));
    assert.deepEqual(reply, { parts: [], finish: { reason: "malformed_call" }, usage: undefined });
  });

  test("has its order whatever it says, and nothing in it throws", () => {
    const value = fc.oneof(fc.string(), fc.constantFrom("", "stop", "length"), fc.jsonValue());
    const anyCall = fc.record(
      { id: value, function: fc.record({ name: value, arguments: fc.jsonValue() }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    );
    const spoken = fc.record(
      { content: value, thinking: value, tool_calls: fc.oneof(fc.array(anyCall), value) },
      { requiredKeys: [] },
    );
    const document = fc.record(
      { message: fc.oneof(spoken, value), response: value, done: fc.boolean(), done_reason: value, eval_count: value },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      { arbitrary: document.map((one) => JSON.stringify(one)), weight: 9 },
      { arbitrary: fc.oneof(fc.json(), fc.string(), fc.constant('{"error":"x"}')), weight: 1 },
    );
    fc.assert(fc.property(fc.array(line), (lines) => legalOrder(decode(lines))));
  });
});

const reply: Reply = {
  parts: [
    { type: "thinking", text: "Hm.\n" },
    { type: "text", text: 'Grüße, "Welt"\u2028' },
    { type: "tool_call", id: "call_1", name: "f", kind: "function", arguments: '{"a":{"b":[1.5,null]}}' },
    { type: "tool_call", id: "call_2", name: "g", kind: "function", arguments: "" },
  ],
  finish: { reason: "tool_calls" },
  usage: { ...noTokens, input: 20, cacheRead: 8, cacheWrite: 2, cacheWrite1h: 1, output: 24 },
};

describe("a stream to a client of Ollama's", () => {
  test("is lines that an engine might have written", () => {
    const head = { model: "house-model", created_at: "2026-11-18T11:06:40.000Z" };
    const empty = { role: "assistant", content: "" };
    const lines = linesOf(encode(eventsOf(reply)));
    assert.deepEqual(lines, [
      { ...head, message: { ...empty, thinking: "Hm.\n" }, done: false },
      { ...head, message: { role: "assistant", content: 'Grüße, "Welt"\u2028' }, done: false },
      {
        ...head,
        message: {
          ...empty,
          tool_calls: [{ id: "call_1", function: { index: 0, name: "f", arguments: { a: { b: [1.5, null] } } } }],
        },
        done: false,
      },
      {
        ...head,
        message: { ...empty, tool_calls: [{ id: "call_2", function: { index: 1, name: "g", arguments: {} } }] },
        done: false,
      },
      {
        ...head,
        message: empty,
        done: true,
        done_reason: "stop",
        total_duration: 0,
        load_duration: 0,
        prompt_eval_count: 31,
        prompt_eval_duration: 0,
        eval_count: 24,
        eval_duration: 0,
      },
    ]);
  });

  test("is read again as the same events", () => {
    const events = decodeText(encode(eventsOf(reply)));
    const [, , second] = reply.parts.filter((part) => part.type !== "tool_call" || part.id !== "call_2");
    assert.deepEqual(whole(events), {
      parts: [...reply.parts.slice(0, 2), second, { ...reply.parts[3], arguments: "{}" }],
      finish: reply.finish,
      usage,
    });
  });

  test("of /api/generate has its text where that API has it", () => {
    const parts: Reply["parts"] = [
      { type: "thinking", text: "t" },
      { type: "text", text: "a" },
    ];
    const lines = linesOf(encode(eventsOf({ parts, finish: { reason: "window_full" }, usage: undefined }), true));
    assert.deepEqual(
      lines.map(({ model: _m, created_at: _c, ...rest }) => rest),
      [
        { response: "", thinking: "t", done: false },
        { response: "a", done: false },
        { response: "", done: true, done_reason: "length", context: [], total_duration: 0, load_duration: 0 },
      ],
    );
  });

  test("fails if the arguments of a call are none, and never has an empty object for them (B19)", () => {
    const parts: Reply["parts"] = [{ type: "tool_call", id: "c", name: "f", kind: "function", arguments: '{"a":' }];
    assert.throws(() => encode(eventsOf({ ...reply, parts })), { code: "upstream_broke" });
  });

  test("has the arguments of a call as the model wrote them, but for line ends", () => {
    const args = '{"big": 12345678901234567890,\r\n "one": 1.0}';
    const text = encode(
      eventsOf({ ...reply, parts: [{ type: "tool_call", id: "c", name: "f", kind: "function", arguments: args }] }),
    );
    assert.ok(text.includes('"arguments":{"big": 12345678901234567890,   "one": 1.0}}}]'), text);
    assert.equal(linesOf(text).length, 2);
  });

  test("that fails says so in a line, and nothing behind it", () => {
    const encoder = createStreamEncoder(replyContext());
    const start = eventsOf(reply).slice(0, 3);
    const before = start.map((event) => encoder.push(event)).join("");
    const failure = {
      code: "upstream_broke",
      status: 502,
      message: "it broke",
      hint: "try again",
      requestId: "r",
    } as const;
    assert.deepEqual(linesOf(before + encoder.fail(failure)).at(-1), { error: "it broke. Try again" });
    assert.equal(encoder.push({ type: "finish", finish: { reason: "end" }, usage: undefined }), "");
    assert.equal(encoder.ping(), "");
  });

  test("is kept open by lines without text, since blank ones are errors to some clients", () => {
    for (const generate of [false, true]) {
      const encoder = createStreamEncoder(replyContext(generate));
      const events = decodeText(encoder.ping() + encoder.push({ type: "start" }) + encoder.ping());
      assert.deepEqual(
        events.map(({ type }) => type),
        ["start", "failure"],
      );
    }
  });

  test("tells of a refusal in words, where there is nothing else to see", () => {
    const refused = (parts: Reply["parts"], detail?: string): string => {
      const finish = { reason: "refusal" as const, ...(detail !== undefined && { detail }) };
      const found = whole(decodeText(encode(eventsOf({ parts, finish, usage: undefined }))));
      assert.ok(found !== undefined && !isFailure(found));
      return found.parts.map((part) => (part.type === "text" ? part.text : "")).join("|");
    };
    assert.equal(refused([]), "The request was refused.");
    assert.equal(refused([], "Not about that."), "Not about that.");
    assert.equal(refused([{ type: "refusal", text: "I will not." }], "policy"), "I will not.");
  });

  test("any reply is read as it was written, up to what the dialect cannot say", () => {
    const text = fc.string({ minLength: 1 });
    const plain = { noNullPrototype: true };
    const part = fc.oneof(
      fc.record({ type: fc.constant("text" as const), text }, plain),
      fc.record({ type: fc.constant("thinking" as const), text }, plain),
      fc.record(
        {
          type: fc.constant("tool_call" as const),
          id: fc.uuid(),
          name: fc.constantFrom("f", "g"),
          kind: fc.constant("function" as const),
          arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((object) => JSON.stringify(object, undefined, 1)),
        },
        plain,
      ),
    );
    const merged = (parts: Reply["parts"]): unknown =>
      parts.reduce<Reply["parts"]>((all, each) => {
        const last = all.at(-1);
        if (last === undefined || last.type === "tool_call" || last.type !== each.type) return [...all, each];
        return [...all.slice(0, -1), { ...each, text: last.text + each.text }];
      }, []);
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const events = decodeText(encode(eventsOf({ parts, finish: { reason: "end" }, usage })));
        legalOrder(events);
        const found = whole(events);
        assert.ok(found !== undefined && !isFailure(found));
        assert.deepEqual(found.parts.map(normal), (merged(parts) as Reply["parts"]).map(normal));
      }),
    );
  });
});

/** JSON that is parsed and written again may spell a number in another way. */
function normal(part: Reply["parts"][number]): unknown {
  return part.type === "tool_call" ? { ...part, arguments: JSON.parse(part.arguments) as unknown } : part;
}
