import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import { messagesFailure } from "../../simulator/anthropic-check.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { inOrder } from "../canonical/order.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { isObject } from "../canonical/wire.ts";
import type { EncodedRequest } from "../codec.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import { anthropicCodec } from "./codec.ts";
import { decoded, kindsOf, requestFixture, target } from "./test-parts.ts";

/** Through all stages, to a model of the same dialect. */
function through(body: JsonObject, traits: Partial<ModelTraits> = {}): EncodedRequest {
  const { conversation, losses } = decoded(body);
  const all = new Losses();
  all.addAll(losses);
  const ordered = inOrder(conversation, all);
  if (ordered.turns.length === 0) throw new AppError("invalid_request", { problem: "there is no message" });
  const request = anthropicCodec.encodeRequest(lowerTools(ordered, anthropicCodec.tools).conversation, target(traits));
  all.addAll(request.losses);
  return { ...request, losses: all.list };
}

/** Content as blocks, system as blocks, and nothing that says the default. */
function normal(value: unknown, key = ""): unknown {
  if (key === "content" || key === "system") {
    if (typeof value === "string") return [{ type: "text", text: value }];
  }
  if (Array.isArray(value)) return value.map((each: unknown) => normal(each));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name, each]) => !isDefault(name, each));
  return Object.fromEntries(entries.map(([name, each]) => [name, normal(each, name)]));
}

function isDefault(name: string, value: unknown): boolean {
  const silent: Readonly<Record<string, unknown>> = { is_error: false, service_tier: "auto", speed: "standard" };
  return name in silent && silent[name] === value;
}

function without(body: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)));
}

const lenient = { forcedToolWhileThinking: true, prefill: true };

describe("a request that is decoded and encoded again is the same", () => {
  const cases: readonly (readonly [string, readonly string[], Partial<ModelTraits>])[] = [
    ["claude-code-first", ["context_management"], {}],
    ["claude-code-second", ["context_management"], {}],
    ["claude-code-budget", ["context_management"], { thinking: "budget" }],
    ["opencode", [], {}],
    ["parallel-tools", [], {}],
    ["documents", [], {}],
  ];
  for (const [name, left, traits] of cases) {
    test(name, () => {
      const body = requestFixture(name);
      const again = through(body, { ...lenient, ...traits });
      const expected = without({ ...body, model: "model-1" }, ...left);
      const tools = expected["tools"] as readonly JsonObject[] | undefined;
      const own =
        tools === undefined ? expected : { ...expected, tools: tools.map((tool) => without(tool, "defer_loading")) };
      assert.deepEqual(normal(again.body), normal(own));
    });
  }
});

/** The simulator is as strict as the API, but for signatures, of which it knows only its own. */
function refusalOf({ body, headers }: EncodedRequest): string | undefined {
  const bytes = Buffer.from(JSON.stringify(body));
  const parsed = JSON.parse(bytes.toString()) as JsonObject;
  return messagesFailure({ body: parsed, bytes, header: (name) => headers[name] }, "answer")?.message;
}

describe("what is sent is taken", () => {
  const kinds: Readonly<Record<string, Partial<ModelTraits>>> = {
    "a model that can everything": {},
    "one of budgets": { thinking: "budget", sampling: true, maxOutputTokens: 32_000 },
    "one that can little": {
      thinking: "none",
      sampling: false,
      images: false,
      documents: false,
      systemTurns: false,
      prefill: false,
      schemaOutput: false,
      tools: false,
    },
  };
  for (const [kind, traits] of Object.entries(kinds)) {
    for (const name of ["claude-code-first", "claude-code-second", "claude-code-budget", "opencode", "documents"]) {
      test(`by ${kind}: ${name}`, () => {
        assert.equal(refusalOf(through(requestFixture(name), traits)), undefined);
      });
    }
  }

  test("whatever a poisoned history holds (B26, B27, B39)", () => {
    const request = through({
      max_tokens: 10,
      messages: [
        { role: "assistant", content: "I begin." },
        { role: "user", content: [{ type: "text", text: "" }] },
        {
          role: "assistant",
          content: [
            { type: "text", text: " ", cache_control: { type: "ephemeral" } },
            { type: "tool_use", id: "functions.Bash:0", name: "a tool: with spaces", input: {} },
            { type: "tool_use", id: "functions.Bash:0", name: "x", input: {} },
          ],
        },
        { role: "system", content: "Now." },
        {
          role: "user",
          content: [
            { type: "text", text: "And?" },
            { type: "tool_result", tool_use_id: "functions.Bash:0" },
          ],
        },
        { role: "assistant", content: "Done. " },
      ],
    });
    assert.equal(refusalOf(request), undefined);
    assert.deepEqual(kindsOf(request), ["changed tool call functions.Bash:0_1"]);
  });
});

/** Without reasoning, of which the simulator takes only its own. */
function withoutThinking(body: JsonObject): JsonObject {
  const isThought = (each: unknown): boolean => isObject(each) && String(each["type"]).endsWith("thinking");
  const text = JSON.stringify(body, (_key, value: unknown) =>
    Array.isArray(value) ? value.filter((each) => !isThought(each)) : value,
  );
  return JSON.parse(text) as JsonObject;
}

/** The same document with another value at one of its places. */
function altered(value: unknown, place: number, other: unknown): unknown {
  let at = 0;
  const walk = (each: unknown): unknown => {
    const isHere = at === place;
    at += 1;
    if (isHere) return other;
    if (Array.isArray(each)) return each.map(walk);
    return isObject(each) ? Object.fromEntries(Object.entries(each).map(([key, member]) => [key, walk(member)])) : each;
  };
  return walk(value);
}

test("whatever is wrong in a request, it is refused in words, or what is sent is taken", () => {
  const names = ["claude-code-second", "parallel-tools", "documents", "opencode"];
  const other = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>("", " ", null, [], {}, -1, 0, "assistant", "tool_result", "text"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(120), other, (name, place, value) => {
      const body = altered(withoutThinking(requestFixture(name)), place, value);
      if (!isObject(body)) return;
      try {
        assert.equal(refusalOf(through(body, { thinking: "none", systemTurns: place % 2 === 0 })), undefined);
      } catch (thrown) {
        if (!(thrown instanceof AppError)) throw thrown;
        assert.ok(["invalid_request", "missing_field"].includes(thrown.code), thrown.message);
      }
    }),
    { numRuns: 400 },
  );
});
