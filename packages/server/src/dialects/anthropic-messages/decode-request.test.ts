import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { hiddenSignature, signatureOf } from "./hidden-thinking.ts";
import { decoded, kindsOf, requestFixture } from "./test-parts.ts";

const user = { role: "user", content: "Hello" };

function refusal(body: JsonObject): string {
  try {
    decoded(body);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.status === 400);
    return thrown.message;
  }
  return assert.fail("it was taken");
}

const withUser = (...content: readonly JsonObject[]): JsonObject => ({ messages: [{ role: "user", content }] });
const withAnswer = (...content: readonly JsonObject[]): JsonObject => ({
  messages: [user, { role: "assistant", content }, user],
});

function partsOf(body: JsonObject, index = 0): readonly unknown[] {
  return decoded(body).conversation.turns[index]?.parts ?? [];
}

describe("a request of Claude Code", () => {
  test("is taken as it is sent: instructions between turns, adaptive thinking, context edits (B22, B24)", () => {
    const request = decoded(requestFixture("claude-code-first"));
    const { conversation } = request;
    assert.deepEqual(
      conversation.turns.map(({ role, parts }) => [role, parts.length]),
      [
        ["user", 3],
        ["system", 1],
      ],
    );
    assert.equal(conversation.system.length, 3);
    assert.deepEqual(conversation.reasoning, { effort: "high", shown: false });
    assert.deepEqual([conversation.maxOutputTokens, conversation.stream], [64_000, true]);
    assert.match(conversation.user ?? "", /session_id/);
    assert.deepEqual(
      conversation.tools.map(({ name, kind, parameters }) => [name, kind, parameters?.["type"]]),
      [
        ["Bash", "function", "object"],
        ["Read", "function", "object"],
        ["mcp__planner__list_all_open_items", "function", "object"],
      ],
    );
    assert.deepEqual(kindsOf(request), ["hint tools[2].defer_loading", "hint context_management"]);
    assert.deepEqual(request.echo, { thinking: "omitted" });
  });

  test("keeps its calls and results in the second turn", () => {
    const [, , answer, results, instructions] = decoded(requestFixture("claude-code-second")).conversation.turns;
    assert.deepEqual(answer?.parts[1], {
      type: "tool_call",
      id: "toolu_01AbCdEfGhIjKlMnOpQrSt",
      name: "Bash",
      kind: "function",
      arguments: '{"command":"echo hi","timeout":1000}',
    });
    assert.deepEqual(results?.parts, [
      {
        type: "tool_result",
        callId: "toolu_01AbCdEfGhIjKlMnOpQrSt",
        kind: "function",
        parts: [{ type: "text", text: "hi" }],
        isError: false,
      },
    ]);
    assert.equal(instructions?.role, "system");
  });

  test("asks for a budget where it thinks the model is of that kind (B25)", () => {
    const { reasoning } = decoded(requestFixture("claude-code-budget")).conversation;
    assert.deepEqual(reasoning, { budgetTokens: 31_999, shown: true });
  });
});

describe("fields of a request", () => {
  test("instructions before the first turn are the conversation's (B22)", () => {
    const { conversation } = decoded({ system: "A", messages: [{ role: "system", content: "B" }, user] });
    assert.deepEqual(
      conversation.system.map(({ text }) => text),
      ["A", "B"],
    );
    assert.equal(conversation.turns.length, 1);
  });

  test("of both versions are read, and null is nothing", () => {
    const { conversation, losses } = decoded({
      messages: [user],
      max_tokens: 10,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 3,
      stop_sequences: ["END"],
      speed: "fast",
      service_tier: "auto",
      container: null,
      tools: null,
      thinking: null,
      diagnostics: { previous_message_id: null },
    });
    assert.deepEqual(conversation.sampling, { temperature: 0.5, topP: 0.9, topK: 3 });
    assert.deepEqual([conversation.stop, conversation.speed, conversation.reasoning], [["END"], "fast", undefined]);
    assert.deepEqual(kindsOf({ losses }), ["hint diagnostics"]);
  });

  test("that no other provider knows are losses, not errors", () => {
    const request = decoded({
      messages: [user],
      container: { skills: [] },
      mcp_servers: [{ type: "url", url: "https://example.com" }],
      fallbacks: [{ model: "m" }],
      inference_geo: "us",
      service_tier: "standard_only",
      context_management: { edits: [{ type: "compact_20260112" }] },
      output_config: { task_budget: { total: 9 }, effort: "enormous" },
      something_new: 1,
      fallback_credit_token: "t",
    });
    assert.deepEqual(kindsOf(request).toSorted(), [
      "dropped container",
      "dropped context_management",
      "dropped fallbacks",
      "dropped inference_geo",
      "dropped mcp_servers",
      "dropped output_config.effort",
      "dropped output_config.task_budget",
      "dropped something_new",
      "hint fallback_credit_token",
      "hint service_tier",
    ]);
  });

  test("a mark for the cache at the top is one at the end of the last turn", () => {
    const { conversation } = decoded({ messages: [user], cache_control: { type: "ephemeral", ttl: "1h" } });
    assert.deepEqual(conversation.turns[0]?.parts, [{ type: "text", text: "Hello", cache: { ttl: "1h" } }]);
  });

  test("a schema for the answer is read where it stands now and where it stood before", () => {
    const format = { type: "json_schema", schema: { type: "object" } };
    const output = { type: "schema", name: "answer", schema: { type: "object" } };
    assert.deepEqual(decoded({ messages: [user], output_config: { format } }).conversation.output, output);
    assert.deepEqual(decoded({ messages: [user], output_format: format }).conversation.output, output);
  });

  test("thinking is read in all its forms (B25)", () => {
    const of = (thinking: unknown, effort?: string): readonly unknown[] => {
      const request = decoded({
        messages: [user],
        thinking,
        ...(effort !== undefined && { output_config: { effort } }),
      });
      return [request.conversation.reasoning, request.echo["thinking"], ...kindsOf(request)];
    };
    assert.deepEqual(of({ type: "adaptive" }), [{ shown: true }, "shown"]);
    assert.deepEqual(of({ type: "adaptive", display: "summarized" }, "max"), [{ effort: "max", shown: true }, "shown"]);
    assert.deepEqual(of({ type: "enabled", budget_tokens: 2000 }, "low"), [
      { budgetTokens: 2000, shown: true },
      "shown",
    ]);
    assert.deepEqual(of({ type: "disabled" }, "high"), [
      { effort: "none", shown: false },
      "off",
      "hint output_config.effort",
    ]);
    assert.deepEqual(of({ type: "between_tools" }), [{ shown: true }, "shown", "changed thinking"]);
    assert.deepEqual(of(undefined, "low"), [{ effort: "low", shown: false }, "off"]);
    assert.deepEqual(of({ type: "sometimes" }), [undefined, "off", "dropped thinking"]);
    assert.deepEqual(of(undefined), [undefined, "off"]);
  });
});

describe("tools", () => {
  test("of the caller are read with and without a type, others are left out with a loss (B31)", () => {
    const schema = { type: "object", properties: { type: { type: "string" } } };
    const request = decoded({
      messages: [user],
      tools: [
        { type: "custom", name: "a", input_schema: schema },
        { type: null, name: "b", input_schema: schema, strict: true, input_examples: [{ type: "x" }] },
        { type: "web_search_20260318", name: "web_search" },
        { type: "bash_20250124", name: "bash" },
      ],
      tool_choice: { type: "tool", name: "bash" },
    });
    assert.deepEqual(request.conversation.tools, [
      { kind: "function", name: "a", parameters: schema },
      {
        kind: "function",
        name: "b",
        description: 'Examples of its input:\n{"type":"x"}',
        parameters: schema,
        strict: true,
      },
    ]);
    assert.equal(request.conversation.toolChoice, undefined);
    assert.deepEqual(kindsOf(request), [
      "changed tools[1].input_examples",
      "dropped tools[2]",
      "dropped tools[3]",
      "dropped tool_choice",
    ]);
  });

  test("a choice is read with its word on parallel calls (B33)", () => {
    const choose = (choice: JsonObject): readonly unknown[] => {
      const { conversation } = decoded({ messages: [user], tool_choice: choice });
      return [conversation.toolChoice, conversation.parallelTools];
    };
    assert.deepEqual(choose({ type: "any", disable_parallel_tool_use: true }), [{ type: "any" }, false]);
    assert.deepEqual(choose({ type: "tool", name: "a" }), [{ type: "tool", name: "a" }, undefined]);
    assert.deepEqual(choose({ type: "none" }), [{ type: "none" }, undefined]);
  });
});

describe("content", () => {
  test("a result may have no content, a text, blocks or texts in their place (B30)", () => {
    const result = (content: unknown): readonly unknown[] => {
      const [part] = partsOf(withUser({ type: "tool_result", tool_use_id: "t", content, is_error: true }));
      assert.ok(typeof part === "object" && part !== null && "parts" in part && "isError" in part && part.isError);
      return part.parts as readonly unknown[];
    };
    const text = (words: string): JsonObject => ({ type: "text", text: words });
    assert.deepEqual(result(undefined), []);
    assert.deepEqual(result(""), []);
    assert.deepEqual(result("a"), [text("a")]);
    assert.deepEqual(result(["a", "b"]), [text("a"), text("b")]);
    assert.deepEqual(result([text("a"), text("b"), text("c")]), [text("a"), text("b"), text("c")]);
    const image = { type: "image", source: { type: "base64", media_type: "image/JPG", data: "aGk=" } };
    assert.deepEqual(result([image]), [
      { type: "image", source: { kind: "base64", mediaType: "image/jpeg", data: "aGk=" } },
    ]);
    assert.deepEqual(result([{ type: "tool_reference", tool_name: "Read" }]), [text("The tool `Read` is there.")]);
  });

  test("documents of every source are documents, with their names and marks (B35)", () => {
    const parts = partsOf(requestFixture("documents"));
    assert.deepEqual(parts.slice(0, 5), [
      {
        type: "document",
        source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0xLjQK" },
        name: "Contract",
        cache: { ttl: "5m" },
      },
      { type: "document", source: { kind: "text", text: "Line one." }, name: "Notes" },
      { type: "document", source: { kind: "url", url: "https://example.com/a.pdf", mediaType: "application/pdf" } },
      { type: "image", source: { kind: "url", url: "https://example.com/a.png" } },
      { type: "image", source: { kind: "file", id: "file_011", origin: "anthropic-messages" } },
    ]);
    const image = { type: "image", source: { type: "url", url: "https://example.com/b.png" } };
    const content = [{ type: "text", text: "p1" }, image, { type: "text", text: "p2" }];
    const source = { type: "content", content };
    assert.deepEqual(partsOf(withUser({ type: "document", source, title: "T", context: "From the archive." })), [
      { type: "text", text: "From the archive." },
      { type: "document", source: { kind: "text", text: "p1\n\np2" }, name: "T" },
      { type: "image", source: { kind: "url", url: "https://example.com/b.png" } },
    ]);
  });

  test("what the vendor's own tools left is told as text, as far as it has words", () => {
    const body = withAnswer(
      { type: "text", text: "I search." },
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      {
        type: "web_search_tool_result",
        tool_use_id: "srvtoolu_1",
        content: [{ type: "web_search_result", title: "A", url: "https://example.com/a", encrypted_content: "zzz" }],
      },
      { type: "compaction", content: "So far: nothing." },
      { type: "from_the_future", data: "?" },
    );
    const parts = partsOf(body, 1);
    assert.deepEqual(parts, [
      { type: "text", text: "I search." },
      { type: "text", text: "\n[Result of web search]\nA – https://example.com/a\n\n" },
      { type: "text", text: "\nSo far: nothing.\n\n" },
    ]);
    assert.deepEqual(kindsOf(decoded(body)), [
      "changed messages[1].content[1]",
      "changed messages[1].content[2]",
      "changed messages[1].content[3]",
      "dropped messages[1].content[4]",
    ]);
  });

  test("a search result is told as text, and so is what a document is said to be", () => {
    const found = {
      type: "search_result",
      source: "https://e.com",
      title: "T",
      content: [{ type: "text", text: "x" }],
    };
    assert.deepEqual(partsOf(withUser(found)), [{ type: "text", text: "T\nhttps://e.com\nx" }]);
  });
});

describe("reasoning that comes back", () => {
  const thinking = (text: string, signature?: unknown): JsonObject => ({ type: "thinking", thinking: text, signature });
  const state = { dialect: "gemini", provider: "prov_2", data: "opaque", kind: "call" } as const;

  test("with a signature of the vendor's own is kept for any provider of the dialect, in its order (B45)", () => {
    const parts = decoded(requestFixture("parallel-tools")).conversation.turns[1]?.parts;
    const own = { dialect: "anthropic-messages", provider: "" };
    assert.deepEqual(parts?.slice(0, 4), [
      { type: "thinking", text: "Two cities, two calls.", state: { ...own, data: "RXFRQkNnSVlBZw==" } },
      { type: "thinking", text: "", state: { ...own, data: "RW1JS0NnPT0=", kind: "redacted" } },
      { type: "text", text: "I ask for both." },
      { type: "thinking", text: "", state: { ...own, data: "c2Vjb25k" } },
    ]);
  });

  test("with one of ours has the other provider's state", () => {
    const sealed = signatureOf(state, testSeal);
    assert.deepEqual(partsOf(withAnswer(thinking("Hm.", sealed)), 1), [{ type: "thinking", text: "Hm.", state }]);
    assert.deepEqual(partsOf(withAnswer({ type: "redacted_thinking", data: sealed }), 1), [
      { type: "thinking", text: "", state },
    ]);
  });

  test("that was hidden has its text again, with and without a state (B48)", () => {
    for (const part of [
      { type: "thinking", text: "Hidden." },
      { type: "thinking", text: "Hidden.", state },
    ] as const) {
      assert.deepEqual(partsOf(withAnswer(thinking("", hiddenSignature(part, testSeal))), 1), [part]);
    }
  });

  test("with an empty signature of ours, or none, is its text", () => {
    const text = { type: "thinking", text: "Hm." };
    assert.deepEqual(partsOf(withAnswer(thinking("Hm.", signatureOf(undefined, testSeal))), 1), [text]);
    assert.deepEqual(partsOf(withAnswer(thinking("Hm.")), 1), [text]);
    assert.deepEqual(partsOf(withAnswer(thinking("Hm.", "")), 1), [text]);
  });

  test("with a forged one loses its state and says so; what is only a state is gone", () => {
    const sealed = signatureOf(state, testSeal);
    const forged = `${sealed.slice(0, -8)}AAAAAAAA`;
    const body = withAnswer(
      thinking("Hm.", forged),
      { type: "redacted_thinking", data: forged },
      { type: "text", text: "a" },
    );
    assert.deepEqual(partsOf(body, 1), [
      { type: "thinking", text: "Hm." },
      { type: "text", text: "a" },
    ]);
    assert.deepEqual(kindsOf(decoded(body)), [
      "dropped messages[1].content[0].signature",
      "dropped messages[1].content[1].data",
    ]);
  });
});

describe("what is refused", () => {
  test("says where it stands, in the words of the caller's request", () => {
    assert.match(refusal({}), /`messages` is required/);
    assert.match(refusal({ messages: [] }), /^`messages` must hold a message/);
    assert.match(refusal({ messages: "Hello" }), /^`messages` must be a list/);
    assert.match(refusal({ messages: [{ role: "tool", content: "a" }] }), /^`messages\[0\]\.role` must be/);
    assert.match(refusal({ messages: [{ role: "user" }] }), /^`messages\[0\]\.content` is required/);
    assert.match(refusal(withUser({ type: "text" })), /^`messages\[0\]\.content\[0\]\.text` must be a string/);
    assert.match(refusal(withUser({})), /^`messages\[0\]\.content\[0\]\.type` must be a string/);
    assert.match(refusal(withUser({ type: "image", source: { type: "x" } })), /content\[0\]\.source\.type` must be/);
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "no base64!" } };
    assert.match(refusal(withUser(image)), /source\.data` is not base64/);
    assert.match(refusal({ messages: [user], max_tokens: -1 }), /^`max_tokens` must be a whole number/);
    assert.match(refusal({ messages: [user], max_tokens: 0 }), /^`max_tokens` must be 1 or more/);
    assert.match(refusal({ messages: [user], tools: [{ name: "a" }, { name: "a" }] }), /`a` comes twice/);
    assert.match(refusal({ messages: [user], tool_choice: { type: "maybe" } }), /^`tool_choice\.type` must be/);
    assert.match(refusal(withAnswer({ type: "tool_use", id: "a", name: "b", input: [] })), /input` must be an object/);
  });

  test("a conversation that lies at the vendor, for without it the answer would be another", () => {
    assert.match(refusal({ messages: [user], thread: { id: "thr_1" } }), /^`thread` names a conversation/);
  });

  test("a request of which nothing would be left", () => {
    assert.match(refusal(withUser({ type: "container_upload", file_id: "f" })), /^`messages` must hold a turn/);
    assert.match(refusal({ messages: [{ role: "system", content: "only this" }] }), /^`messages` must hold a turn/);
  });
});
