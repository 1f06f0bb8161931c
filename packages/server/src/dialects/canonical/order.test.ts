import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { AssistantPart, Conversation, ToolResultPart, Turn, UserPart } from "./conversation.ts";
import { Losses } from "./loss.ts";
import { inOrder } from "./order.ts";
import { plainConversation } from "./test-parts.ts";

function ordered(...turns: readonly Turn[]): { readonly turns: readonly Turn[]; readonly losses: readonly string[] } {
  const losses = new Losses();
  const conversation: Conversation = inOrder({ ...plainConversation, turns }, losses);
  return { turns: conversation.turns, losses: losses.list.map(({ path }) => path) };
}

const text = (words: string): { readonly type: "text"; readonly text: string } => ({ type: "text", text: words });
const user = (...parts: readonly (UserPart | string)[]): Turn => ({ role: "user", parts: parts.map(asPart) });
const system = (words: string): Turn => ({ role: "system", parts: [text(words)] });
const assistant = (...parts: readonly (AssistantPart | string)[]): Turn => ({
  role: "assistant",
  parts: parts.map(asPart),
});
const call = (id: string): AssistantPart => ({ type: "tool_call", id, name: "f", kind: "function", arguments: "{}" });
const result = (callId: string, words = callId): ToolResultPart => ({
  type: "tool_result",
  callId,
  kind: "function",
  parts: [text(words)],
  isError: false,
});

function asPart<Part>(part: Part | string): Part | { readonly type: "text"; readonly text: string } {
  return typeof part === "string" ? text(part) : part;
}

describe("a conversation in order", () => {
  test("stays as it is if nothing is wrong with it", () => {
    const turns = [
      user("a"),
      assistant("b", call("1")),
      user(result("1"), "c"),
      system("d"),
      assistant("e"),
      user("f"),
    ];
    assert.deepEqual(ordered(...turns), { turns, losses: [] });
  });

  test("has results directly behind their calls, in the order of the calls, and instructions after them (B23)", () => {
    const { turns } = ordered(
      user("a"),
      assistant(call("1"), call("2")),
      system("d"),
      user("first", result("2")),
      user(result("1"), "last"),
    );
    assert.deepEqual(turns, [
      user("a"),
      assistant(call("1"), call("2")),
      user(result("1"), result("2")),
      system("d"),
      user("first", "last"),
    ]);
  });

  test("has no blank texts and no empty turns (B26, B53)", () => {
    const blank = { ...text(" \n"), cache: { ttl: "5m" } } as const;
    const { turns, losses } = ordered(user("a", ""), assistant(blank), user("b"), system(" "), user());
    assert.deepEqual([turns, losses], [[user("a", "b")], []]);
  });

  test("drops blank texts within a result, and keeps the result (B30)", () => {
    const { turns } = ordered(user("a"), assistant(call("1")), user({ ...result("1"), parts: [text(""), text("x")] }));
    assert.deepEqual(turns.at(-1), user(result("1", "x")));
  });

  test("tells of a call without a result that it was interrupted, wherever it stands", () => {
    for (const following of [[], [user("go on")], [system("be brief")]]) {
      const { turns, losses } = ordered(user("a"), assistant(call("1")), ...following);
      const [part] = turns[2]?.parts ?? [];
      assert.ok(part?.type === "tool_result" && part.isError && part.callId === "1");
      assert.deepEqual(losses, ["tool call 1"]);
    }
  });

  test("tells a result without a call as text, and keeps a second result of one call", () => {
    const { turns, losses } = ordered(
      user(result("0", "old")),
      assistant(call("1")),
      user(result("1"), result("1", "again")),
    );
    assert.deepEqual(turns, [user("old"), assistant(call("1")), user(result("1"), "again")]);
    assert.deepEqual(losses, ["tool result 0", "tool result 1"]);
  });

  test("tells calls of the same id apart, within a turn and across turns, the same way each time (B40, B42)", () => {
    const rounds = [
      user("a"),
      assistant(call("call_0"), call("call_0")),
      user(result("call_0", "x"), result("call_0", "y")),
      assistant(call("call_0"), call("")),
      user(result("call_0", "z"), result("", "w")),
    ];
    const { turns, losses } = ordered(...rounds);
    assert.deepEqual(turns, [
      user("a"),
      assistant(call("call_0"), call("call_0_1")),
      user(result("call_0", "x"), result("call_0_1", "y")),
      assistant(call("call_0_2"), call("call_1")),
      user(result("call_0_2", "z"), result("call_1", "w")),
    ]);
    assert.deepEqual(losses, []);
    assert.deepEqual(ordered(...rounds.slice(0, 3)).turns, turns.slice(0, 3));
  });

  test("merges turns of one role, but not instructions", () => {
    const { turns } = ordered(user("a"), user("b"), system("c"), system("d"), assistant("e"), assistant("f"));
    assert.deepEqual(turns, [user("a", "b"), system("c"), system("d"), assistant("e", "f")]);
  });

  test("begins with a user's turn", () => {
    const { turns } = ordered(assistant("Hello"), user("Hi"));
    assert.equal(turns[0]?.role, "user");
    assert.deepEqual(turns.slice(1), [assistant("Hello"), user("Hi")]);
  });
});

const id = fc.constantFrom("", "1", "2", "call_1");
const words = fc.constantFrom("", " ", "a", "b");
const anyTurn: fc.Arbitrary<Turn> = fc.oneof(
  fc
    .array(
      fc.oneof(
        words.map(text),
        id.map((each) => result(each)),
      ),
    )
    .map((parts): Turn => ({ role: "user", parts })),
  fc.array(fc.oneof(words.map(text), id.map(call))).map((parts): Turn => ({ role: "assistant", parts })),
  words.map(system),
);

test("whatever comes, the six rules hold, and a second ordering changes nothing", () => {
  fc.assert(
    fc.property(fc.array(anyTurn, { maxLength: 8 }), (given) => {
      const { turns } = ordered(...given);
      assertRules(turns);
      assert.deepEqual(ordered(...turns), { turns, losses: [] });
    }),
    { numRuns: 300 },
  );
});

function assertRules(turns: readonly Turn[]): void {
  const seen = new Set<string>();
  turns.forEach((turn, index) => {
    assert.ok(turn.parts.length > 0);
    for (const part of turn.parts) assert.ok(part.type !== "text" || part.text.trim() !== "");
    const before = turns[index - 1];
    if (turn.role !== "system") assert.notEqual(before?.role, turn.role);
    const calls = before?.role === "assistant" ? before.parts.flatMap(idOfCall) : [];
    const results =
      turn.role === "user" ? turn.parts.flatMap((part) => (part.type === "tool_result" ? part.callId : [])) : [];
    assert.deepEqual(results, calls);
    assert.ok(turn.parts.slice(0, results.length).every((part) => results.length === 0 || part.type === "tool_result"));
    for (const each of turn.role === "assistant" ? turn.parts.flatMap(idOfCall) : []) {
      assert.ok(each !== "" && !seen.has(each));
      seen.add(each);
    }
  });
  assert.notEqual(turns.find(({ role }) => role !== "system")?.role, "assistant");
  assert.ok(!turns.at(-1)?.parts.some((part) => part.type === "tool_call"));
}

function idOfCall(part: AssistantPart): readonly string[] {
  return part.type === "tool_call" ? [part.id] : [];
}

/* What grows with the square of a request would hold up everyone for minutes here. */
test("a very long conversation is put in order in no time", { timeout: 20_000 }, () => {
  const many = 20_000;
  const numbered = Array.from({ length: many }, (_, index) => String(index));
  assert.equal(ordered(...numbered.map((words) => user(words))).turns[0]?.parts.length, many);
  assert.equal(ordered(user("a"), ...numbered.map((words) => assistant(words))).turns[1]?.parts.length, many);
  const same = ordered(user("a"), assistant(...numbered.map(() => call("same"))));
  assert.deepEqual(same.turns[1]?.parts.at(-1), call(`same_${many - 1}`));
  const answered = ordered(
    user("a"),
    assistant(...numbered.map(call)),
    user(...numbered.toReversed().map((id) => result(id))),
  );
  assert.deepEqual(answered.turns[2]?.parts.at(-1), result(String(many - 1)));
  assert.deepEqual(answered.losses, []);
});
