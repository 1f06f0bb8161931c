import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import { chatFailure } from "../../simulator/ollama-request.ts";
import type { Call } from "../../simulator/vendor.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { ollamaCodec } from "./codec.ts";
import { targetModel } from "./test-parts.ts";

const any = fc.jsonValue({ maxDepth: 2 });
const often = <T>(usual: fc.Arbitrary<T>) => fc.oneof({ arbitrary: usual, weight: 30 }, { arbitrary: any, weight: 1 });
const words = fc.constantFrom("", " ", "a", "f", "g", "call_1", "call_1_0", "é\n");
const some = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true });
const args = fc.oneof(fc.dictionary(words, any), fc.constantFrom("", "{", '{"a":1}', null));
const call = some({ id: often(words), function: some({ name: often(words), arguments: args }) });
const message = some({
  role: often(fc.constantFrom("user", "assistant", "tool", "system")),
  content: often(words),
  thinking: often(words),
  images: often(fc.array(fc.constantFrom("iVBORw0KGgo=", "https://x.example/a", "data:image/gif;base64,R0lGODlh"))),
  tool_calls: often(fc.array(call)),
  tool_name: often(words),
  tool_call_id: often(words),
});
const schema = some({
  type: fc.constantFrom("object", "string"),
  properties: fc.dictionary(words, any),
  required: any,
});
const body = some({
  model: fc.constant("m"),
  messages: often(fc.array(message)),
  prompt: often(words),
  tools: often(
    fc.array(
      some({ type: often(fc.constant("function")), function: some({ name: words, parameters: often(schema) }) }),
    ),
  ),
  think: often(fc.constantFrom(true, false, "low", "max")),
  format: often(fc.constantFrom("", "json", {})),
  options: often(
    some({
      num_predict: fc.integer(),
      top_k: fc.double({ noNaN: true }),
      seed: fc.integer(),
      stop: often(fc.array(words)),
      x: any,
    }),
  ),
  keep_alive: any,
});

test("whatever a caller sends is refused in words, or made into what an engine takes", () => {
  let made = 0;
  const property = fc.property(body, fc.constantFrom("/api/chat", "/api/generate"), (sent: JsonObject, path) => {
    let decoded;
    try {
      decoded = ollamaCodec.decodeRequest(sent, { stream: true, path, seal: testSeal });
    } catch (error) {
      assert.ok(error instanceof AppError, String(error));
      assert.ok(error.code === "invalid_request" || error.code === "missing_field", error.code);
      return;
    }
    const { conversation } = lowerTools(inOrder(decoded.conversation, new Losses()), ollamaCodec.tools);
    const encoded = ollamaCodec.encodeRequest(conversation, targetModel());
    const written = JSON.parse(JSON.stringify(encoded.body)) as JsonObject;
    assert.equal(chatFailure({ body: written } as Call), undefined);
    made += 1;
  });
  fc.assert(property, { numRuns: 150 });
  assert.ok(made > 30, `only ${made} were made into something`);
});
