import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answerTo, type Ask, isThoughtSeal, piecesOf, sealThought } from "./reply.ts";

const ask: Ask = {
  model: "m",
  stream: true,
  text: "hello",
  toolOutputs: [],
  tools: [],
  toolChoice: "auto",
  thinks: false,
  maxTokens: 500,
  prompt: { input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 2 },
};

test("deltas add up to the text, however many are asked for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 50 }), (text, deltas) => {
      const { pieces } = answerTo(ask, { text, deltas });
      assert.equal(pieces.length, deltas);
      assert.equal(pieces.join(""), text);
      assert.equal(answerTo(ask, { text }).pieces.join(""), text);
      assert.equal(piecesOf(text).join(""), text);
    }),
  );
});

test("a text has exactly the bytes that are asked for", () => {
  assert.equal(answerTo(ask, { textBytes: 12_345 }).pieces.join("").length, 12_345);
  assert.equal(answerTo(ask, { textBytes: 12_345, deltas: 7 }).pieces.length, 7);
  assert.equal(answerTo(ask, { textBytes: 0 }).pieces.length, 0);
});

test("the same request gets the same answer, and it tells how long the message was", () => {
  assert.deepEqual(answerTo(ask, {}), answerTo(ask, {}));
  assert.match(answerTo(ask, {}).pieces.join(""), /Your message is 5 characters long/);
});

test("tokens are counted from the answer, and a script's counters replace them one by one", () => {
  assert.deepEqual(answerTo(ask, { text: "12345" }).usage, { ...ask.prompt, output: 2, reasoning: 0 });
  assert.deepEqual(answerTo({ ...ask, thinks: true }, { text: "12345" }).usage, {
    ...ask.prompt,
    output: 18,
    reasoning: 16,
  });
  assert.deepEqual(answerTo(ask, { text: "12345", usage: { cacheRead: 99, output: 7 } }).usage, {
    ...ask.prompt,
    cacheRead: 99,
    output: 7,
    reasoning: 0,
  });
});

test("an answer that does not fit max_tokens is cut, unless it is scripted", () => {
  const cut = answerTo({ ...ask, maxTokens: 3 }, {});
  assert.equal(cut.cut, true);
  assert.equal(cut.usage.output, 3);
  assert.equal(cut.pieces.join(""), "Good to hear");
  assert.equal(answerTo({ ...ask, maxTokens: 3 }, { textBytes: 100 }).cut, false);
  assert.equal(answerTo({ ...ask, maxTokens: 0 }, {}).pieces.length, 0);
});

test("what a tool returned is in the answer, and no tool is called again", () => {
  const answer = answerTo(
    {
      ...ask,
      text: "run echo",
      toolOutputs: ["out 1", "out 2"],
      tools: [{ name: "Bash", kind: "function", schema: {} }],
    },
    {},
  );
  assert.match(answer.pieces.join(""), /out 1\nout 2/);
  assert.deepEqual(answer.calls, []);
});

test("a seal vouches for its thought and for itself", () => {
  const seal = sealThought("a thought");
  assert.ok(isThoughtSeal(seal, "a thought"));
  assert.ok(isThoughtSeal(seal));
  assert.ok(!isThoughtSeal(seal, "another"));
  assert.ok(!isThoughtSeal(`${seal.slice(0, 10)}A${seal.slice(11)}`));
  assert.ok(!isThoughtSeal(""));
});
