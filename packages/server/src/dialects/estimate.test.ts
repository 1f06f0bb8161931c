import assert from "node:assert/strict";
import { test } from "node:test";
import { estimateInputTokens } from "./index.ts";

const body = (content: string) => Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));
const prose = 'A sentence of ordinary words, with "quotes" and\nnew lines. ';

test("text counts four bytes a token", () => {
  assert.equal(estimateInputTokens(Buffer.alloc(0)), 0);
  assert.equal(estimateInputTokens(Buffer.from("12345")), 2);
  const text = body(prose.repeat(2_000));
  assert.equal(estimateInputTokens(text), Math.ceil(text.length / 4));
  const code = body('const table = new Map<string, number>([["a", 1]]);\n'.repeat(2_000));
  assert.equal(estimateInputTokens(code), Math.ceil(code.length / 4));
  const chinese = body("这是一个没有空格的句子".repeat(2_000));
  assert.equal(estimateInputTokens(chinese), Math.ceil(chinese.length / 4));
});

test("an attachment in base64 counts next to nothing", () => {
  const image = Buffer.alloc(1_500_000, "image bytes of some kind \u0003\u00ff").toString("base64");
  const tokens = estimateInputTokens(body(`data:image/png;base64,${image}`));
  assert.ok(tokens < 2_500, String(tokens));
  const text = prose.repeat(2_000);
  const both = estimateInputTokens(Buffer.concat([body(text), body(image), body(text)]));
  assert.ok(Math.abs(both - text.length / 2) < 5_000, String(both));
});
