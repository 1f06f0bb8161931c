import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { JsonObject, Tool, Turn } from "../canonical/conversation.ts";
import { ask, encoded, kindsOf } from "./test-parts.ts";

const tool: Tool = { kind: "function", name: "f", parameters: { type: "object", properties: {} } };
const call = { type: "tool_call", id: "c1", name: "f", kind: "function", arguments: '{"a":1}' } as const;
const result = { type: "tool_result", callId: "c1", kind: "function", parts: [], isError: false } as const;

function messages(turns: readonly Turn[]): readonly { readonly content: readonly unknown[] }[] {
  return encoded({ turns }).body["messages"] as readonly { readonly content: readonly unknown[] }[];
}

describe("content", () => {
  const content = (parts: Turn["parts"], traits: Partial<ModelTraits> = {}): readonly unknown[] => {
    const request = encoded({ turns: [{ role: "user", parts } as Turn] }, traits);
    const [message] = request.body["messages"] as readonly { readonly content: readonly unknown[] }[];
    return [message?.content, ...kindsOf(request)];
  };
  const png = { kind: "base64", mediaType: "image/png", data: "aGk=" } as const;

  test("of every kind is written as the API has it", () => {
    const pdf = { kind: "base64", mediaType: "application/pdf", data: "aGk=" } as const;
    assert.deepEqual(
      content([
        { type: "image", source: png, detail: "high" },
        { type: "image", source: { kind: "url", url: "https://e.com/a" } },
        { type: "image", source: { kind: "file", id: "file_1", origin: "anthropic-messages" } },
        { type: "document", source: pdf, name: "P" },
        { type: "document", source: { kind: "text", text: "t" } },
        { type: "document", source: { kind: "base64", mediaType: "text/csv", data: "YSxi" } },
        { type: "document", source: { kind: "url", url: "https://e.com/b" } },
      ]),
      [
        [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
          { type: "image", source: { type: "url", url: "https://e.com/a" } },
          { type: "image", source: { type: "file", file_id: "file_1" } },
          { type: "document", source: { type: "base64", media_type: "application/pdf", data: "aGk=" }, title: "P" },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "t" } },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } },
          { type: "document", source: { type: "url", url: "https://e.com/b" } },
        ],
        "hint turns[0].image.detail",
      ],
    );
  });

  test("that the model cannot take is said to be missing, and is a loss", () => {
    const [blocks, ...losses] = content(
      [
        { type: "image", source: png },
        { type: "document", source: { kind: "text", text: "t" }, name: "N" },
        { type: "document", source: { kind: "file", id: "file_1", origin: "openai-responses" } },
        { type: "audio", source: { ...png, mediaType: "audio/wav" } },
      ],
      { images: false, documents: false },
    );
    assert.deepEqual(blocks, [
      { type: "text", text: "[Here stood an image that could not be passed on.]" },
      { type: "text", text: "N\n\nt" },
      { type: "text", text: "[Here stood a document that could not be passed on.]" },
      { type: "text", text: "[Here stood audio that could not be passed on.]" },
    ]);
    assert.deepEqual(losses, ["dropped turns[0].image", "dropped turns[0].document", "dropped turns[0].audio"]);
  });

  test("of a type that no model takes is refused in words (B29)", () => {
    const refused = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === "invalid_request";
    assert.throws(() => content([{ type: "image", source: { ...png, mediaType: "image/bmp" } }]), refused);
    assert.throws(() => content([{ type: "document", source: { ...png, mediaType: "application/zip" } }]), refused);
  });

  test("of a result is a text or blocks, and images stay within (B28, B30)", () => {
    const parts = [{ type: "text", text: "a", cache: { ttl: "5m" } }] as const;
    const image = { type: "image", source: png } as const;
    const turns = (each: typeof result | object): readonly Turn[] => [
      ask,
      { role: "assistant", parts: [call] },
      { role: "user", parts: [{ ...result, ...each }] },
    ];
    const block = (each: object): unknown => messages(turns(each)).at(-1)?.content[0];
    const head = { type: "tool_result", tool_use_id: "c1" };
    const cached = { cache_control: { type: "ephemeral" } };
    assert.deepEqual(block({}), head);
    assert.deepEqual(block({ parts, isError: true }), { ...head, content: "a", is_error: true, ...cached });
    assert.deepEqual(block({ parts: [...parts, image] }), {
      ...head,
      content: [
        { type: "text", text: "a" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
      ],
      ...cached,
    });
  });
});

describe("marks for the cache", () => {
  test("are four at most, the last ones, and an hour never stands behind five minutes", () => {
    const text = (
      ttl: "5m" | "1h",
    ): { readonly type: "text"; readonly text: string; readonly cache: { ttl: "5m" | "1h" } } => ({
      type: "text",
      text: "x",
      cache: { ttl },
    });
    const request = encoded({
      tools: [{ ...tool, cache: { ttl: "1h" } }],
      system: [text("1h"), text("1h")],
      turns: [{ role: "user", parts: [text("5m"), text("1h")] }],
    });
    assert.deepEqual(kindsOf(request), ["hint cache_control"]);
    const marks = JSON.stringify(request.body).match(/"cache_control":\{[^}]*\}/g);
    assert.deepEqual(marks, [
      '"cache_control":{"type":"ephemeral","ttl":"1h"}',
      '"cache_control":{"type":"ephemeral","ttl":"1h"}',
      '"cache_control":{"type":"ephemeral"}',
      '"cache_control":{"type":"ephemeral"}',
    ]);
    assert.equal((request.body["tools"] as readonly JsonObject[])[0]?.["cache_control"], undefined);
  });
});
