import assert from "node:assert/strict";
import { test } from "node:test";
import type { FinishReason } from "./reply.ts";
import { withoutCutCall } from "./cut-call.ts";

const said = { type: "text", text: "I write." } as const;
const half = { type: "tool_call", id: "c1", name: "write", kind: "function", arguments: '{"text": "On' } as const;
const whole = { ...half, arguments: '{"text": "Once"}' } as const;

function left(parts: Parameters<typeof withoutCutCall>[0]["parts"], reason: FinishReason): readonly unknown[] {
  return withoutCutCall({ parts, finish: { reason }, usage: undefined });
}

test("half a call at a limit is left out, and nothing else", () => {
  assert.deepEqual(left([said, half], "length"), [said]);
  assert.deepEqual(left([said, half], "window_full"), [said]);
  assert.deepEqual(left([said, half], "tool_calls"), [said, half]);
  assert.deepEqual(left([said, whole], "length"), [said, whole]);
  assert.deepEqual(left([half, said], "length"), [half, said]);
  assert.deepEqual(left([{ ...half, kind: "custom" }], "length"), [{ ...half, kind: "custom" }]);
});
