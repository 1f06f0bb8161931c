import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import { openGate } from "../support/gateway.ts";
import { ask, type DialectId, dialectIds, modelFor } from "./ask.ts";

/* The requests of Codex, which has its tools in three layouts, on providers of other dialects. */

const gate = await openGate();
beforeEach(() => gate.simulator.play([]));

// Replies are looked into as a client would: what is not there is undefined, and the test fails.
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;
type Wire = Readonly<Record<string, unknown>>;

function fixture(dialect: DialectId, name: string): Wire {
  const url = new URL(`../fixtures/${dialect}/requests/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Wire;
}

const others = dialectIds.filter((each) => each !== "openai-responses");

describe("what Codex sends", () => {
  const names = ["codex-namespace", "codex-custom", "codex-additional-tools", "codex-second-turn"];
  for (const to of others) {
    test(`is taken by ${to}, with all of its layouts of tools (B54)`, async () => {
      for (const name of names) {
        const { stream: _stream, ...body } = fixture("openai-responses", name);
        const reply = await ask(gate, "openai-responses", { ...body, model: modelFor(to) });
        assert.equal(reply.status, 200, `${name}: ${reply.body.toString()}`);
      }
    });
  }

  test("calls of custom tools and of namespaces come back as such (B54)", async () => {
    const tools = [
      { type: "custom", name: "apply_patch", description: "Patches" },
      {
        type: "namespace",
        name: "multi_agent",
        description: "Agents",
        tools: [{ type: "function", name: "spawn", parameters: { type: "object", properties: {} } }],
      },
    ];
    const toolCalls = [
      { name: "apply_patch", arguments: { input: "*** Begin Patch" } },
      { name: "multi_agent__spawn", arguments: {} },
    ];
    for (const to of ["anthropic-messages", "gemini"] as const) {
      gate.simulator.play([{ script: { toolCalls } }]);
      const reply = await ask(gate, "openai-responses", { model: modelFor(to), tools });
      const items = (reply.json() as Loose).output.filter((item: Wire) => String(item["type"]).endsWith("_call"));
      assert.partialDeepStrictEqual(items, [
        { type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch" },
        { type: "function_call", name: "spawn", namespace: "multi_agent", arguments: "{}" },
      ]);
    }
  });
});
