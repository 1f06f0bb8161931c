import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutKeys } from "./key-shapes.ts";

const random = "Ab3dE6gH9jK2mN5pQ8sT1vW4xY7z";

test("what looks like a key is blotted out, wherever it stands", () => {
  for (const key of [
    `sk-proj-${random}`,
    `sk-ant-api03-${random}-${random}AA`,
    `gsk_${random}`,
    `AIza${random}`,
    `pc_0123456789abcdef_${random.toLowerCase()}_1234567`,
    `pca_0123456789abcdef_${random.toLowerCase()}_1234567`,
    `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.${random}`,
  ]) {
    assert.equal(withoutKeys(key), "[redacted]");
    assert.equal(withoutKeys(`no model \`openai/${key}\` here`), "no model `openai/[redacted]` here");
    assert.equal(withoutKeys(`?key=${key}&x=1, "${key}"`), '?key=[redacted]&x=1, "[redacted]"');
  }
});

test("names stay as they are", () => {
  for (const name of [
    "claude-sonnet-4-5-20250929",
    "accounts/fireworks/models/llama-v3p1-405b-instruct",
    "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free",
    "ft:gpt-4.1-mini-2025-04-14:my-org:custom-suffix:BTz2REMH",
    "the key s6g3q6ktgdspd7c2 is disabled",
    "cred_01m7xyhdh4a987bgdykmq9y8gb",
    "task-force-one-two-three-four-five",
    "/var/lib/docker/overlay2/0f3c9a7d5e1b4c8f0a2d6e8b1c3f5a7d9e0b2c4d6f8a/merged/root.key",
    "https://api.example.com/v1",
    "",
  ]) {
    assert.equal(withoutKeys(name), name);
  }
});
