import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ReasoningState } from "./conversation.ts";
import { createStateSeal, isStateOf, sealMark } from "./state-seal.ts";

const seal = createStateSeal(Buffer.alloc(32, 1));
const state: ReasoningState = {
  dialect: "gemini",
  provider: "prov_1",
  data: "c2lnbmF0dXJl+/=",
  kind: "call",
  id: "rs_1",
};

describe("a sealed reasoning state", () => {
  test("comes back as it was, whatever it holds", () => {
    assert.deepEqual(seal.open(seal.seal(state)), state);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (data, provider) => {
        const any: ReasoningState = { dialect: "openai-chat", provider, data };
        assert.deepEqual(createStateSeal(Buffer.alloc(32, 1)).open(seal.seal(any)), any);
      }),
    );
  });

  test("is base64 throughout and bears its mark, which says what it is before anything is verified", () => {
    const text = seal.seal(state);
    assert.match(text, /^[A-Za-z0-9+/]+={0,2}$/);
    assert.ok(text.startsWith(sealMark));
    assert.equal(Buffer.from(text, "base64").toString("base64"), text);
  });

  test("is forged if any of its bytes is another", () => {
    const bytes = Buffer.from(seal.seal(state), "base64");
    for (let index = 0; index < bytes.length; index++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (flipped[index] ?? 0) ^ mask;
        const opened = seal.open(flipped.toString("base64"));
        // Without the mark it is nobody's envelope; it goes to the dialect's own provider, which refuses it.
        assert.equal(opened, index < 6 ? undefined : "forged", `byte ${index}`);
      }
    }
  });

  test("is forged if it is cut anywhere, or if anything is behind it", () => {
    const bytes = Buffer.from(seal.seal(state), "base64");
    for (let length = 6; length < bytes.length; length++) {
      assert.equal(seal.open(bytes.subarray(0, length).toString("base64")), "forged", `${length} bytes`);
    }
    assert.equal(seal.open(Buffer.concat([bytes, Buffer.from([0])]).toString("base64")), "forged");
    assert.equal(seal.open(sealMark), "forged");
  });

  test("is forged under another key, and if its parts are another's", () => {
    assert.equal(createStateSeal(Buffer.alloc(32, 2)).open(seal.seal(state)), "forged");
    const other = Buffer.from(seal.seal({ ...state, data: "other" }), "base64");
    const bytes = Buffer.from(seal.seal(state), "base64");
    const spliced = Buffer.concat([bytes.subarray(0, 22), other.subarray(22)]);
    assert.equal(seal.open(spliced.toString("base64")), "forged");
  });

  test("is nothing of ours without its mark: empty, another's, or any text", () => {
    for (const text of ["", "sig", "EqQBCgIYAg==", ` ${seal.seal(state)}`]) assert.equal(seal.open(text), undefined);
    fc.assert(fc.property(fc.string(), (text) => seal.open(text) === undefined || text.startsWith(sealMark)));
  });

  test("is never thrown at, whatever bears its mark", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, bytes) => {
        assert.equal(seal.open(sealMark + text), "forged");
        assert.equal(seal.open(sealMark + Buffer.from(bytes).toString("base64")), "forged");
      }),
    );
  });
});

test("a state goes to the provider that made it, or to any of its dialect if nobody knows who made it", () => {
  assert.ok(isStateOf(state, "gemini", "prov_1"));
  assert.ok(!isStateOf(state, "gemini", "prov_2"));
  assert.ok(!isStateOf(state, "openai-chat", "prov_1"));
  assert.ok(isStateOf({ ...state, provider: "" }, "gemini", "prov_2"));
  assert.ok(!isStateOf({ ...state, provider: "" }, "ollama", "prov_2"));
});
