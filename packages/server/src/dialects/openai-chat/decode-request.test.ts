import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { inOrder } from "../canonical/order.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { asked, decoded, requestFixture } from "./test-parts.ts";

const turnsOf = (messages: readonly JsonObject[]) => decoded({ model: "m", messages }).conversation.turns;
const user = { role: "user", content: "Hello" };

function refusal(fields: JsonObject): string {
  let message = "";
  assert.throws(
    () => asked(fields),
    (thrown) => {
      assert.ok(thrown instanceof AppError);
      assert.equal(thrown.status, 400);
      message = thrown.message;
      return true;
    },
  );
  return message;
}

describe("messages", () => {
  test("instructions that lead are the system's, later ones stay in their place", () => {
    const { conversation } = decoded(requestFixture("many-parts"));
    assert.deepEqual(conversation.system, [
      { type: "text", text: "Describe what you are given.", cache: { ttl: "1h" } },
    ]);
    assert.deepEqual(conversation.turns[2], {
      role: "system",
      parts: [{ type: "text", text: "From now on, answer in French." }],
    });
  });

  test("images, sound and files arrive as what they are, with their marks (B29, B35)", () => {
    const { conversation, losses } = decoded(requestFixture("many-parts"));
    assert.deepEqual(conversation.turns[0]?.parts, [
      { type: "text", text: "Compare these:" },
      { type: "image", source: { kind: "base64", mediaType: "image/jpeg", data: "/9j/4AAQ" }, detail: "low" },
      { type: "image", source: { kind: "url", url: "https://example.com/cat.png" } },
      { type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "UklGRg==" } },
      {
        type: "document",
        name: "a.pdf",
        source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0=" },
        cache: { ttl: "5m" },
      },
      { type: "document", source: { kind: "file", id: "file-abc", origin: "openai-chat" } },
    ]);
    assert.deepEqual(
      losses.map(({ path, kind }) => `${kind} ${path}`),
      [
        "dropped messages[1].content[6]",
        "dropped messages[1].name",
        "hint store",
        "hint metadata",
        "dropped logprobs",
        "dropped logit_bias",
        "dropped web_search_options",
      ],
    );
  });

  test("refusals are told apart from text", () => {
    const { conversation } = decoded(requestFixture("many-parts"));
    assert.deepEqual(conversation.turns[1]?.parts, [
      { type: "text", text: "A cat." },
      { type: "refusal", text: "I do not name people." },
    ]);
  });

  test("a text file is a text, and an unlabelled one is told by its name", () => {
    const file = (fields: JsonObject) =>
      turnsOf([{ role: "user", content: [{ type: "file", file: fields }] }])[0]?.parts[0];
    const text = Buffer.from("a,b").toString("base64");
    assert.deepEqual(file({ filename: "t.csv", file_data: text }), {
      type: "document",
      name: "t.csv",
      source: { kind: "text", text: "a,b" },
    });
    assert.equal(file({ file_data: "data:image/png;base64,iVBO" })?.type, "image");
  });

  test("calls keep their arguments to the letter, and results follow them (B52)", () => {
    const { conversation } = decoded(requestFixture("opencode-second"));
    assert.deepEqual(conversation.turns[1]?.parts.slice(0, 3), [
      { type: "thinking", text: "Two commands, both harmless." },
      { type: "text", text: "I will look." },
      { type: "tool_call", id: "call_a1", name: "bash", kind: "function", arguments: '{"command":"ls"}' },
    ]);
    assert.deepEqual(conversation.turns[3]?.parts, [
      {
        type: "tool_result",
        callId: "call_a2",
        kind: "function",
        parts: [{ type: "text", text: "Sat Nov 21 12:00:00 UTC 2026" }],
        isError: false,
      },
    ]);
  });

  test("arguments that are an object, or none, become texts", () => {
    const call = (fields: JsonObject) => ({ id: "c", type: "function", function: { name: "f", ...fields } });
    const textOf = (fields: JsonObject) => {
      const part = turnsOf([user, { role: "assistant", tool_calls: [call(fields)] }])[1]?.parts[0];
      return part?.type === "tool_call" ? part.arguments : undefined;
    };
    assert.equal(textOf({ arguments: { a: 1 } }), '{"a":1}');
    assert.equal(textOf({ arguments: "" }), "{}");
    assert.equal(textOf({}), "{}");
    assert.equal(textOf({ arguments: '{"a": 1.0, "broken' }), '{"a": 1.0, "broken');
  });

  test("results may lack a content, or hold several texts or an image (B28, B30)", () => {
    const call = { role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name: "f" } }] };
    const partsOf = (content: unknown) => {
      const part = turnsOf([user, call, { role: "tool", tool_call_id: "c", content }])[2]?.parts[0];
      return part?.type === "tool_result" ? part.parts : undefined;
    };
    assert.deepEqual(partsOf(undefined), []);
    assert.deepEqual(partsOf(null), []);
    assert.deepEqual(partsOf(["a", { type: "text", text: "b" }]), [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
    assert.equal(partsOf([{ type: "image_url", image_url: "https://example.com/a.png" }])?.[0]?.type, "image");
  });

  test("ids that are empty, missing or used again become unique, and results stay with their calls (B42)", () => {
    const round = (id: unknown, text: string) => [
      { role: "assistant", tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }] },
      { role: "tool", tool_call_id: id, content: text },
    ];
    const messages = [user, ...round("call_0", "one"), ...round("call_0", "two"), ...round("", "three")];
    const { turns } = inOrder(decoded({ messages }).conversation, new Losses());
    const ids = turns.flatMap(({ parts }) =>
      parts.flatMap((part) => {
        if (part.type === "tool_call") return [part.id];
        return part.type === "tool_result" ? [part.callId] : [];
      }),
    );
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual([ids[0], ids[2], ids[4]], [ids[1], ids[3], ids[5]]);
    assert.equal(ids[0], "call_0");
    const texts = turns.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === "tool_result" ? part.parts : [])),
    );
    assert.deepEqual(texts, [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
      { type: "text", text: "three" },
    ]);
  });

  test("the old form of calls and results is a call and its result", () => {
    const { conversation, echo } = decoded(requestFixture("old-functions"));
    const [, call, result] = conversation.turns.map(({ parts }) => parts[0]);
    assert.ok(call?.type === "tool_call" && result?.type === "tool_result");
    assert.equal(result.callId, call.id);
    assert.equal(call.arguments, '{"city":"Åre"}');
    assert.deepEqual(conversation.toolChoice, { type: "tool", name: "weather" });
    assert.equal(conversation.parallelTools, false);
    assert.deepEqual(echo, { callsFunction: true });
  });

  test("a request of instructions only is asked all the same", () => {
    const { conversation, losses } = decoded({ messages: [{ role: "system", content: "Say hello." }] });
    assert.deepEqual(conversation.turns, [{ role: "user", parts: [{ type: "text", text: "Say hello." }] }]);
    assert.equal(losses[0]?.kind, "changed");
  });

  test("what is wrong is named where the caller wrote it", () => {
    assert.match(refusal({ messages: undefined }), /`messages` is required/);
    assert.match(refusal({ messages: [{ role: "user", content: 5 }] }), /`messages\[0\]\.content` must be a list/);
    assert.match(refusal({ messages: [{ role: "robot", content: "" }] }), /`messages\[0\]\.role`/);
    assert.match(
      refusal({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "cat.png" } }] }] }),
      /`messages\[0\]\.content\[0\]\.image_url\.url`/,
    );
  });
});

describe("earlier reasoning", () => {
  const state = { dialect: "anthropic-messages", provider: "anthropic", data: "c2ln" } as const;
  const sealed = testSeal.seal(state);
  const entry = (data: string, range: string) => ({
    type: "reasoning.encrypted",
    data,
    format: "portcullis",
    id: range,
    index: 0,
  });
  const call = (extra: JsonObject = {}) => ({ id: "c", type: "function", function: { name: "f" }, ...extra });
  const beside = { extra_content: { google: { thought_signature: sealed } } };
  const partsOf = (message: JsonObject) => turnsOf([user, { role: "assistant", ...message }])[1]?.parts;

  test("a state of ours comes back with its piece of the text (B46)", () => {
    assert.deepEqual(
      partsOf({
        content: "Hi",
        reasoning_content: "first\n\nsecond",
        reasoning_details: [entry(sealed, "reasoning_7_13")],
      }),
      [
        { type: "thinking", text: "first" },
        { type: "thinking", text: "second", state },
        { type: "text", text: "Hi" },
      ],
    );
  });

  test("a state that belongs to a call stands before it again", () => {
    const parts = partsOf({
      content: "Let me see.",
      reasoning_content: "plan",
      reasoning_details: [entry(sealed, "reasoning_4_4")],
      tool_calls: [call(beside)],
    });
    assert.deepEqual(
      parts?.map(({ type }) => type),
      ["thinking", "text", "thinking", "tool_call"],
    );
    assert.deepEqual(parts?.[2], { type: "thinking", text: "", state });
  });

  test("clients that keep states beside calls only lose nothing where nothing was said between (B43)", () => {
    assert.deepEqual(partsOf({ content: "", reasoning_content: "plan", tool_calls: [call(beside)] })?.slice(0, 1), [
      { type: "thinking", text: "plan", state },
    ]);
  });

  test("a text that the client put together wrongly is not given back under a state", () => {
    assert.deepEqual(
      partsOf({ content: "Hi", reasoning_content: "end", reasoning_details: [entry(sealed, "reasoning_0_400")] })?.[0],
      { type: "thinking", text: "", state },
    );
  });

  test("a forged state is dropped, and said to be", () => {
    const bytes = Buffer.from(sealed, "base64");
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const forged = entry(bytes.toString("base64"), "reasoning_0_4");
    const { conversation, losses } = decoded({
      messages: [user, { role: "assistant", content: "Hi", reasoning_content: "text", reasoning_details: [forged] }],
    });
    assert.deepEqual(conversation.turns[1]?.parts[0], { type: "thinking", text: "text" });
    assert.deepEqual(
      losses.map(({ path, kind }) => [path, kind]),
      [["messages[1].reasoning_details", "dropped"]],
    );
  });

  test("a state that only made a client keep the text is none", () => {
    const empty = testSeal.seal({ dialect: "openai-chat", provider: "", data: "" });
    assert.deepEqual(
      partsOf({ content: "Hi", reasoning_content: "text", reasoning_details: [entry(empty, "reasoning_0_4")] })?.[0],
      { type: "thinking", text: "text" },
    );
  });

  test("details and signatures from elsewhere are kept as they are", () => {
    const [thinking] = decoded(requestFixture("openrouter")).conversation.turns[1]?.parts ?? [];
    assert.ok(thinking?.type === "thinking");
    assert.equal(thinking.text, "I have to call it.");
    assert.equal(thinking.state?.kind, "details");
    assert.match(thinking.state.data, /"signature":"c2lnbmVk"/);
    const native = partsOf({ tool_calls: [call({ extra_content: { google: { thought_signature: "Z29vZ2xl" } } })] });
    assert.deepEqual(native?.[0], {
      type: "thinking",
      text: "",
      state: { dialect: "openai-chat", provider: "", data: "Z29vZ2xl", kind: "call" },
    });
  });

  test("what Mistral's models thought among the rest is reasoning", () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "4" },
    ];
    assert.deepEqual(partsOf({ content }), [
      { type: "thinking", text: "hm" },
      { type: "text", text: "4" },
    ]);
  });
});

describe("options", () => {
  test("are read by their names", () => {
    const { conversation } = decoded(requestFixture("many-parts"));
    const { maxOutputTokens, sampling, verbosity, user: who, cacheKey, speed, output } = conversation;
    assert.deepEqual(sampling, { temperature: 0.2, seed: 7, presencePenalty: 0.5, frequencyPenalty: -0.5 });
    assert.deepEqual([maxOutputTokens, verbosity, who, cacheKey, speed], [900, "low", "u-1", "k-1", "fast"]);
    assert.deepEqual(output, {
      type: "schema",
      name: "answer",
      schema: { type: "object", properties: { what: { type: "string" } } },
      strict: true,
    });
    assert.deepEqual(asked({ stop: "a" }).conversation.stop, ["a"]);
    assert.deepEqual(asked({ response_format: { type: "json_object" } }).conversation.output, { type: "json" });
    assert.deepEqual(asked({ max_tokens: 5, max_completion_tokens: 6 }).conversation.maxOutputTokens, 6);
  });

  test("an effort comes in the words of many", () => {
    const reasoning = (fields: JsonObject) => asked(fields).conversation.reasoning;
    assert.deepEqual(reasoning({ reasoning_effort: "high" }), { effort: "high", shown: true });
    assert.deepEqual(reasoning({ reasoning: { max_tokens: 3000 } }), { budgetTokens: 3000, shown: true });
    assert.deepEqual(reasoning({ reasoning: { effort: "low", exclude: true } }), { effort: "low", shown: false });
    assert.deepEqual(reasoning({ reasoning: { enabled: false } }), { effort: "none", shown: true });
    assert.deepEqual(reasoning({ thinking: { type: "disabled" } }), { effort: "none", shown: true });
    assert.deepEqual(reasoning({ enable_thinking: true }), { shown: true });
    assert.equal(reasoning({}), undefined);
    assert.equal(reasoning({ reasoning_effort: null }), undefined);
    assert.deepEqual(asked({ reasoning_effort: "extreme" }).losses[0]?.path, "reasoning_effort");
  });

  test("tools of both kinds, their grammars and what is chosen of them", () => {
    const { conversation, losses } = decoded(requestFixture("custom-tools"));
    assert.deepEqual(conversation.tools, [
      {
        kind: "custom",
        name: "apply_patch",
        description: "Changes files.",
        grammar: { syntax: "lark", definition: "start: /.+/" },
      },
      { kind: "custom", name: "say" },
      { kind: "function", name: "read" },
    ]);
    assert.deepEqual(conversation.toolChoice, { type: "allowed", names: ["read", "apply_patch"], required: true });
    assert.deepEqual(losses[0], {
      path: "tools[3]",
      kind: "dropped",
      why: "the provider's own tools, such as `web_search`, are not there with this model",
    });
    const [, call, result] = conversation.turns.map(({ parts }) => parts[0]);
    assert.ok(call?.type === "tool_call" && result?.type === "tool_result");
    assert.deepEqual([call.kind, result.kind, call.arguments], ["custom", "custom", "*** Begin Patch"]);
    assert.deepEqual(result.parts.length, 2);
  });

  test("every word for a choice of tools is known", () => {
    const choice = (tool_choice: unknown) => asked({ tool_choice }).conversation.toolChoice;
    assert.deepEqual(choice("auto"), { type: "auto" });
    assert.deepEqual(choice("none"), { type: "none" });
    assert.deepEqual(choice("required"), { type: "any" });
    assert.deepEqual(choice({ type: "custom", custom: { name: "p" } }), { type: "tool", name: "p" });
    assert.match(refusal({ tool_choice: "perhaps" }), /`tool_choice` must be/);
  });

  test("what would be an answer of another kind is refused, with what to do", () => {
    assert.match(refusal({ n: 2 }), /`n` must be 1/);
    assert.match(refusal({ modalities: ["text", "audio"], audio: { voice: "a", format: "wav" } }), /`modalities`/);
    assert.match(refusal({ max_tokens: 0 }), /`max_tokens` must be 1 or more/);
    asked({ n: 1, modalities: ["text"], audio: null });
  });

  test("fields that nobody knows are losses, and those that say nothing are none", () => {
    const { losses } = asked({
      min_p: 0.1,
      top_k: 0,
      logprobs: false,
      store: false,
      metadata: {},
      top_logprobs: 0,
      service_tier: "auto",
      n: 1,
      prediction: { type: "content", content: "x" },
      prompt_cache_retention: "24h",
    });
    assert.deepEqual(
      losses.map(({ path, kind }) => `${kind} ${path}`),
      ["dropped min_p", "hint prediction", "hint prompt_cache_retention"],
    );
  });

  test("the reply knows whether counts, the old form or hidden reasoning were asked for", () => {
    assert.deepEqual(asked({ stream_options: { include_usage: true } }).echo, { includesUsage: true });
    assert.deepEqual(asked({ reasoning: { exclude: true } }).echo, { hidesReasoning: true });
    assert.deepEqual(asked().echo, {});
  });
});
