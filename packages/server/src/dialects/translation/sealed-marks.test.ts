import assert from "node:assert/strict";
import { test } from "node:test";
import { createStateSeal } from "../canonical/state-seal.ts";
import type { DialectId } from "../dialect.ts";
import { hasSealedMark, withoutSealed } from "./sealed-marks.ts";

const envelope = createStateSeal(Buffer.alloc(32, 7)).seal({
  dialect: "openai-responses",
  provider: "openai",
  data: "x",
});
const strip = (body: object, dialect: DialectId): unknown => {
  const bytes = Buffer.from(JSON.stringify(body));
  assert.ok(hasSealedMark(bytes));
  return JSON.parse(Buffer.from(withoutSealed({ body: bytes, dialect }).body).toString());
};

test("an envelope in a large body is found wherever it lies, and nothing that is none", async () => {
  const mebibyte = 1024 * 1024;
  const body = Buffer.alloc(9 * mebibyte, "P");
  assert.equal(await hasSealedMark(body), false);
  for (const at of [0, 1, 4 * mebibyte - 6, 4 * mebibyte - 1, 4 * mebibyte, 9 * mebibyte - envelope.length]) {
    const holding = Buffer.from(body);
    holding.write(envelope, at, "latin1");
    assert.equal(await hasSealedMark(holding), true, String(at));
    holding.write("x", at + 3, "latin1");
    assert.equal(await hasSealedMark(holding), false, String(at));
  }
});

test("a body without an envelope is told apart, whatever base64 it holds", () => {
  assert.equal(hasSealedMark(Buffer.from(JSON.stringify({ signature: "EqQBCkYIBxgCKkBtZXNzYWdl" }))), false);
});

test("Anthropic gets no thinking of another provider's, and its own as it was", () => {
  const own = { type: "thinking", thinking: "mine", signature: "EqQBCkYIBxgCKkBt" };
  const foreign = { type: "thinking", thinking: "theirs", signature: envelope };
  const redacted = { type: "redacted_thinking", data: envelope };
  const text = { type: "text", text: envelope.slice(0, 4) };
  assert.deepEqual(
    strip({ messages: [{ role: "assistant", content: [foreign, own, redacted, text] }] }, "anthropic-messages"),
    {
      messages: [{ role: "assistant", content: [own, text] }],
    },
  );
});

test("OpenAI gets no reasoning item, and no field that it would not know", () => {
  const item = { type: "reasoning", summary: [], encrypted_content: envelope };
  const message = { type: "message", role: "user", content: "hello" };
  assert.deepEqual(strip({ input: [item, message] }, "openai-responses"), { input: [message] });
  const call = { id: "call_1", type: "function", function: { name: "f", arguments: "{}" } };
  const details = [{ type: "reasoning.encrypted", data: envelope }];
  const signed = { extra_content: { google: { thought_signature: envelope } } };
  const chat = {
    messages: [{ role: "assistant", reasoning_details: details, tool_calls: [{ ...call, ...signed }] }],
  };
  assert.deepEqual(strip(chat, "openai-chat"), {
    messages: [{ role: "assistant", tool_calls: [{ ...call, extra_content: { google: {} } }] }],
  });
  const alone = { role: "assistant", content: [{ type: "thinking", thinking: "", signature: envelope }] };
  const question = { role: "user", content: "go on" };
  assert.deepEqual(strip({ messages: [alone, question] }, "anthropic-messages"), { messages: [question] });
});

test("Gemini is told of a call that its signature is missing", () => {
  const call = { functionCall: { name: "f", args: {} } };
  assert.deepEqual(
    strip(
      {
        contents: [
          {
            parts: [
              { ...call, thoughtSignature: envelope },
              { text: "a", thoughtSignature: envelope },
            ],
          },
        ],
      },
      "gemini",
    ),
    { contents: [{ parts: [{ ...call, thoughtSignature: "skip_thought_signature_validator" }, { text: "a" }] }] },
  );
});

test("what somebody wrote is left alone, even if it begins like an envelope", () => {
  const said = {
    messages: [
      { role: "user", content: envelope },
      { role: "user", content: [{ type: "text", text: envelope }] },
      { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: { s: envelope } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: envelope }] },
    ],
    tools: [{ name: "f", input_schema: { type: "object", properties: { s: { enum: [envelope] } } } }],
  };
  assert.deepEqual(strip(said, "anthropic-messages"), said);
});
