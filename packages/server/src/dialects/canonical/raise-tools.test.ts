import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Collector, eventsOf, isFailure } from "./collect.ts";
import type { AssistantPart, Tool } from "./conversation.ts";
import { ToolRaiser } from "./raise-tools.ts";
import type { Reply } from "./reply.ts";
import { legalOrder } from "./test-parts.ts";

const changed = new Map<string, Tool>([
  ["short_1", { kind: "function", name: "a.long.name" }],
  ["apply_patch", { kind: "custom", name: "apply_patch" }],
]);

const call = (id: string, name: string, text: string): AssistantPart => ({
  type: "tool_call",
  id,
  name,
  kind: "function",
  arguments: text,
});

const replyOf = (...parts: readonly AssistantPart[]): Reply => ({
  parts,
  finish: { reason: "tool_calls" },
  usage: undefined,
});

/** The parts of a reply as its caller gets them, which is the same whole and streamed. */
function raised(...parts: readonly AssistantPart[]): readonly AssistantPart[] {
  const whole = new ToolRaiser(changed, "req_1").reply(replyOf(...parts));
  const raiser = new ToolRaiser(changed, "req_1");
  const events = eventsOf(replyOf(...parts)).flatMap((event) => raiser.event(event));
  legalOrder(events);
  const collector = new Collector();
  for (const event of events) collector.push(event);
  assert.ok(!isFailure(whole));
  assert.deepEqual(collector.end, whole);
  return whole.parts;
}

describe("tools in what a provider answers", () => {
  test("have the names that the caller gave them (B34)", () => {
    const [part, other] = raised(call("1", "short_1", "{}"), call("2", "unknown", "{}"));
    assert.ok(part?.type === "tool_call" && part.name === "a.long.name");
    assert.ok(other?.type === "tool_call" && other.name === "unknown");
  });

  test("that take any text give it as it is, and all of it where the model did not keep to the one argument", () => {
    const inputs = ['{"input":"*** Begin\\n"}', "*** Begin", '{"patch":1}', "", '{"input":{"a":1}}', "{broken"];
    const parts = raised(...inputs.map((text, index) => call(`c${index}`, "apply_patch", text)));
    assert.deepEqual(
      parts.map((part) => (part.type === "tool_call" ? [part.kind, part.arguments] : [])),
      [
        ["custom", "*** Begin\n"],
        ["custom", "*** Begin"],
        ["custom", '{"patch":1}'],
        ["custom", ""],
        ["custom", '{"a":1}'],
        ["custom", "{broken"],
      ],
    );
  });

  test("broken arguments of a function stay broken, so that nobody runs it without any", () => {
    const [part] = raised(call("1", "f", '{"a":'));
    assert.ok(part?.type === "tool_call" && part.arguments === '{"a":');
  });

  test("have ids that every client takes, all different, and of no other request (B39, B42)", () => {
    const parts = raised(
      call("functions.Bash:0", "f", ""),
      call("", "f", ""),
      call("", "f", ""),
      call("1", "f", ""),
      call("1", "f", ""),
    );
    const ids = parts.map((part) => (part.type === "tool_call" ? part.id : ""));
    for (const id of ids) assert.match(id, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.equal(new Set(ids).size, 5);
    assert.equal(ids[3], "1");
    const other = new ToolRaiser(changed, "req_2").reply(replyOf(call("", "f", "")));
    assert.ok(!isFailure(other) && other.parts[0]?.type === "tool_call" && !ids.includes(other.parts[0].id));
  });

  test("that break off give nothing of what was held", () => {
    const raiser = new ToolRaiser(changed, "req_1");
    const failure = { kind: "broken", status: 200, message: "" } as const;
    const events = [
      ...raiser.event({ type: "start" }),
      ...raiser.event({
        type: "block_start",
        block: { type: "tool_call", id: "1", name: "apply_patch", kind: "function" },
      }),
      ...raiser.event({ type: "block_delta", text: '{"input":"rm' }),
      ...raiser.event({ type: "failure", failure }),
    ];
    assert.deepEqual(
      events.map(({ type }) => type),
      ["start", "block_start", "failure"],
    );
  });

  test("leave everything else of a reply as it came", () => {
    const parts: readonly AssistantPart[] = [
      { type: "text", text: "a" },
      { type: "thinking", text: "b" },
    ];
    assert.deepEqual(raised(...parts), parts);
    const failure = { kind: "server", status: 500, message: "" } as const;
    assert.equal(new ToolRaiser(changed, "req_1").reply(failure), failure);
  });
});
