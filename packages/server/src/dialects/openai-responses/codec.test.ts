import assert from "node:assert/strict";
import { test } from "node:test";
import { responsesFailure } from "../../simulator/responses-request.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { decode, request, requestNames, target } from "./test-parts.ts";

/** The path of a request from a caller to a provider, here of the same dialect. */
function translated(name: string): { readonly sent: JsonObject; readonly losses: readonly string[] } {
  const { conversation, losses } = decode(request(name));
  const found = new Losses();
  found.addAll(losses);
  const { conversation: lowered } = lowerTools(inOrder(conversation, found), codec.tools);
  const { body, losses: more } = codec.encodeRequest(lowered, target());
  found.addAll(more);
  return { sent: body, losses: found.list.map(({ kind, path }) => `${kind} ${path}`) };
}

for (const name of requestNames) {
  test(`what goes out for ${name} is what the vendor takes`, () => {
    const { sent } = translated(name);
    const bytes = Buffer.from(JSON.stringify(sent));
    const call = { body: sent, bytes, header: () => undefined };
    const items = (sent["input"] as readonly JsonObject[]).filter((item) => item["type"] !== "reasoning");
    assert.equal(responsesFailure({ ...call, body: { ...sent, input: items } }, []), undefined);
  });
}

test("a request of the AI SDK comes out as it went in", () => {
  const { sent, losses } = translated("opencode");
  const given = request("opencode");
  const withTypes = (item: JsonObject): JsonObject =>
    item["type"] === undefined ? { type: "message", ...item } : item;
  const [system, ...input] = (given["input"] as readonly JsonObject[]).map(withTypes);
  assert.deepEqual(losses, []);
  assert.equal(sent["instructions"], system?.["content"]);
  const shown = (sent["input"] as readonly JsonObject[]).map((item) =>
    JSON.stringify(item).replaceAll('"detail":"auto",', ""),
  );
  assert.deepEqual(
    shown.map((item) => JSON.parse(item) as unknown),
    input,
  );
  for (const field of [
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "max_output_tokens",
    "text",
  ]) {
    assert.deepEqual(sent[field], given[field], field);
  }
  for (const field of ["safety_identifier", "prompt_cache_key", "store", "stream"])
    assert.equal(sent[field], given[field]);
});

test("a second turn of Codex loses only what no other provider could use", () => {
  const { sent, losses } = translated("codex-second-turn");
  assert.deepEqual(losses, ["changed input[8]"]);
  const types = (sent["input"] as readonly JsonObject[]).map((item) => item["role"] ?? item["type"]);
  assert.deepEqual(types, [
    "user",
    "reasoning",
    "assistant",
    "function_call",
    "function_call",
    "function_call_output",
    "function_call_output",
    "user",
    "developer",
    "user",
  ]);
  const [, reasoning, , call] = sent["input"] as readonly JsonObject[];
  assert.equal(reasoning?.["encrypted_content"], "gAAAAABnative==");
  assert.equal(call?.["arguments"], '{"cmd": "ls",  "n": 1.0}');
});

test("fields and types that are named like an object's own members mean nothing", () => {
  const input = [{ role: "user", content: "a" }, { type: "constructor" }, { type: "toString" }];
  const body = JSON.parse(
    `{"model":"m","input":${JSON.stringify(input)},"constructor":1,"__proto__":{"x":1},"toString":2}`,
  ) as JsonObject;
  const { losses } = decode(body);
  assert.deepEqual(
    losses.map(({ kind, path, why }) => [kind, path, typeof why]),
    ["input[1]", "input[2]", "constructor", "__proto__", "toString"].map((path) => ["dropped", path, "string"]),
  );
});
