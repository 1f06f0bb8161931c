import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ToolRules } from "../codec.ts";
import type { Conversation, Tool } from "./conversation.ts";
import { lowerTools } from "./lower-tools.ts";
import { plainConversation } from "./test-parts.ts";
import { commonIds, nineCharacterId, portableId, portableName } from "./tool-names.ts";

const narrow: ToolRules = { name: /^[a-zA-Z0-9_-]+$/, mostNameLength: 64, ...commonIds, custom: false };

const long = `mcp__${"server".repeat(12)}__`;
const tools: readonly Tool[] = [
  { kind: "function", name: `${long}read`, parameters: { type: "object" } },
  { kind: "function", name: `${long}write` },
  { kind: "custom", name: "apply_patch", description: "Patches.", grammar: { syntax: "lark", definition: "start: x" } },
  { kind: "function", name: "plain", strict: true },
];

const conversation: Conversation = {
  ...plainConversation,
  turns: [
    { role: "user", parts: [{ type: "text", text: "Hello" }] },
    {
      role: "assistant",
      parts: [
        { type: "tool_call", id: "functions.Bash:0", name: `${long}read`, kind: "function", arguments: "{}" },
        { type: "tool_call", id: "ok_1", name: "apply_patch", kind: "custom", arguments: '*** "Begin"' },
      ],
    },
    {
      role: "user",
      parts: [
        { type: "tool_result", callId: "functions.Bash:0", kind: "function", parts: [], isError: false },
        { type: "tool_result", callId: "ok_1", kind: "custom", parts: [], isError: true },
      ],
    },
  ],
  tools,
  toolChoice: { type: "tool", name: `${long}write` },
};

describe("tools for a provider that takes less", () => {
  const { conversation: lowered, changed } = lowerTools(conversation, narrow);
  const [first, second, patch, plain] = lowered.tools;

  test("long names of one beginning stay apart, in the list, the choice and the history alike (B34)", () => {
    assert.ok(first !== undefined && second !== undefined && first.name !== second.name);
    for (const { name } of lowered.tools) assert.ok(name.length <= 64 && narrow.name.test(name), name);
    assert.deepEqual(lowered.toolChoice, { type: "tool", name: second.name });
    const [call] = lowered.turns[1]?.parts ?? [];
    assert.ok(call?.type === "tool_call" && call.name === first.name);
    assert.equal(changed.get(first.name)?.name, `${long}read`);
    assert.deepEqual(plain, tools[3]);
  });

  test("a choice among tools names them as they are called there (B33)", () => {
    const toolChoice = { type: "allowed", names: [`${long}read`, "plain"], required: true } as const;
    const { toolChoice: choice } = lowerTools({ ...conversation, toolChoice }, narrow).conversation;
    assert.deepEqual(choice, { ...toolChoice, names: [first?.name, "plain"] });
  });

  test("ids that the provider refuses are others, and calls and results still pair (B39)", () => {
    const [call, custom] = lowered.turns[1]?.parts ?? [];
    const [result, other] = lowered.turns[2]?.parts ?? [];
    assert.ok(call?.type === "tool_call" && result?.type === "tool_result");
    assert.match(call.id, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.equal(result.callId, call.id);
    assert.ok(custom?.type === "tool_call" && other?.type === "tool_result");
    assert.deepEqual([custom.id, other.callId], ["ok_1", "ok_1"]);
  });

  test("a tool that takes any text is a function with one argument, which tells its grammar", () => {
    assert.equal(patch?.kind, "function");
    assert.match(patch?.description ?? "", /^Patches\.\n\n.*lark grammar:\nstart: x$/s);
    assert.deepEqual(patch?.parameters?.["required"], ["input"]);
    const custom = lowered.turns[1]?.parts[1];
    assert.ok(custom?.type === "tool_call");
    assert.deepEqual([custom.kind, JSON.parse(custom.arguments)], ["function", { input: '*** "Begin"' }]);
    const result = lowered.turns[2]?.parts[1];
    assert.ok(result?.type === "tool_result" && result.kind === "function" && result.isError);
  });

  test("where nothing has to be changed, nothing is", () => {
    const wide: ToolRules = { name: /^/, mostNameLength: 999, callId: /^/, mostCallIdLength: 999, custom: true };
    const same = lowerTools(conversation, wide);
    assert.deepEqual(same.conversation, conversation);
    assert.equal(same.changed.size, 0);
  });

  test("nine letters or digits are nine letters or digits, and pair", () => {
    const { turns } = lowerTools(conversation, narrow, "nine").conversation;
    const [call] = turns[1]?.parts ?? [];
    const [result] = turns[2]?.parts ?? [];
    assert.ok(call?.type === "tool_call" && result?.type === "tool_result");
    assert.match(call.id, /^[a-zA-Z0-9]{9}$/);
    assert.equal(result.callId, call.id);
  });
});

test("whatever a name or an id is, it becomes one that is taken, the same each time, and different ones stay different (B40, B41)", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 200 }), (one, other) => {
      const name = portableName(one, narrow);
      assert.ok(name.length <= 64 && (name === one || /^[a-zA-Z_][a-zA-Z0-9_-]*$/.test(name)), name);
      const id = portableId(one, narrow);
      assert.match(id, /^[a-zA-Z0-9_-]{1,64}$/);
      assert.match(nineCharacterId(one), /^[a-zA-Z0-9]{9}$/);
      assert.equal(portableId(one, narrow), id);
      if (one === other) return;
      assert.notEqual(portableName(other, narrow), name);
      assert.notEqual(portableId(other, narrow), id);
    }),
  );
  assert.notEqual(portableId("call_123", narrow), portableId("fc_123", narrow));
  assert.equal(portableId("x".repeat(100), narrow), portableId("x".repeat(100), narrow));
});
