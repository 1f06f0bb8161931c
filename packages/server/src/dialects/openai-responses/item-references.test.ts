import assert from "node:assert/strict";
import { test } from "node:test";
import { withItems } from "./item-references.ts";

const message = { id: "msg_1", type: "message", role: "assistant", content: [{ type: "output_text", text: "yes" }] };
const items = new Map([["msg_1", JSON.stringify(message)]]);
const question = { role: "user", content: "and now?" };

test("an item that is referred to by its id is there as it was", () => {
  for (const reference of [{ type: "item_reference", id: "msg_1" }, { id: "msg_1" }, { type: null, id: "msg_1" }]) {
    assert.deepEqual(withItems([reference, question], items), [message, question]);
  }
});

test("what is unknown, and what is no reference, stays as it is", () => {
  const unknown = { type: "item_reference", id: "msg_2" };
  const own = { ...message, content: "mine" };
  assert.deepEqual(withItems([unknown, own, question, "text", null], items), [unknown, own, question, "text", null]);
  assert.equal(withItems("hello", items), "hello");
});
