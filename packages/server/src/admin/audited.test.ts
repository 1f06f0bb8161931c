import assert from "node:assert/strict";
import { test } from "node:test";
import { auditedDetail, auditedTarget } from "./audited.ts";

test("an audit event keeps no value of a field that nobody declared harmless", () => {
  const secrets = {
    value: "canary",
    api_key: "canary",
    key: "canary",
    passphrase: "canary",
    root_key: "canary",
    code: "canary",
    invented_later: "canary",
  };
  assert.ok(!JSON.stringify(auditedDetail({ ...secrets, label: "ours" })).includes("canary"));
  assert.deepEqual(auditedDetail({ api_key: null, label: "ours" }), { api_key: null, label: "ours" });
});

test("an event's target is what the address names, else what the body does", () => {
  assert.equal(auditedTarget({ id: "key1" }, { id: "other" }), "key1");
  assert.equal(auditedTarget({ model_id: "mod_1" }, undefined), "mod_1");
  assert.equal(auditedTarget({}, { id: "groq" }), "groq");
  assert.equal(auditedTarget({}, { provider: "groq", value: "canary" }), "groq");
  assert.equal(auditedTarget({}, { value: "canary" }), "");
});
