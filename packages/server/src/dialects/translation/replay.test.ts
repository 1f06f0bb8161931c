import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import { isThoughtSeal } from "../../simulator/reply.ts";
import type { Script } from "../../simulator/script.ts";
import { speakers } from "../../../test/support/conversations.ts";
import type { JsonObject, ThinkingPart } from "../canonical/conversation.ts";
import { sealMark } from "../canonical/state-seal.ts";
import type { DialectId } from "../dialect.ts";
import { assembled } from "./test/clients.ts";
import { conversations } from "./test/conversations.ts";
import { createProvider, type Pair, pairs, replyTo, targetOf, translated } from "./test/provider.ts";
import { runs } from "./test/runs.ts";
import { saidIn, wireOf, withSaid } from "./test/wire.ts";

/* What is sent is taken. The simulated vendors refuse what the vendors do: orders, names, ids, states that are not their own. */

const provider = createProvider();

/** The codes of requests that are refused here, in words and with the status 400. */
const refusals = ["invalid_request", "missing_field"];

/** Messages change places, are lost or come twice. */
const disturbance = fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.constantFrom("swap", "drop", "repeat")), {
  maxLength: 3,
});
type Disturbance = readonly (readonly [number, number, string])[];

function disturbed(from: DialectId, body: JsonObject, changes: Disturbance): JsonObject {
  const said = [...saidIn(from, body)];
  for (const [one, other, how] of changes) {
    const [here, there] = [one % said.length, other % said.length];
    const [first, second] = [said[here], said[there]];
    if (first === undefined || second === undefined) continue;
    if (how === "drop" && said.length > 1) said.splice(here, 1);
    else if (how === "repeat") said.splice(there, 0, first);
    else [said[here], said[there]] = [second, first];
  }
  return withSaid(from, body, said);
}

const traits: fc.Arbitrary<Partial<ModelTraits>> = fc.record(
  {
    sampling: fc.boolean(),
    tools: fc.boolean(),
    images: fc.boolean(),
    documents: fc.boolean(),
    audio: fc.boolean(),
    prefill: fc.boolean(),
    systemTurns: fc.boolean(),
    schemaOutput: fc.boolean(),
    forcedToolWhileThinking: fc.boolean(),
    maxOutputTokens: fc.constantFrom(undefined, 4_000, 64_000),
    callIds: fc.constantFrom("any", "nine"),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** What only Anthropic knows of turns between turns, and what Google never does. */
function fitting(to: DialectId, given: Partial<ModelTraits>): Partial<ModelTraits> {
  return to === "gemini" ? { ...given, systemTurns: false } : given;
}

for (const { from, to } of pairs) {
  test(`whatever a client of ${from} sends, a provider that speaks ${to} takes it, or it is refused in words`, () => {
    let taken = 0;
    fc.assert(
      fc.property(conversations, disturbance, traits, (conversation, changes, model) => {
        const body = disturbed(from, wireOf(from, conversation), changes);
        let request;
        try {
          request = translated({
            from,
            to,
            body,
            stream: conversation.stream,
            target: targetOf(to, fitting(to, model)),
          });
        } catch (thrown) {
          if (!(thrown instanceof AppError)) throw thrown;
          assert.ok(refusals.includes(thrown.code), thrown.message);
          return;
        }
        assert.ok(!Buffer.from(request.body).includes(sealMark), "an envelope of ours went to a provider");
        const { status, bytes } = provider.answer(to, request);
        assert.equal(status, 200, `${bytes.toString()} for ${Buffer.from(request.body).toString()}`);
        taken += 1;
      }),
      runs(20),
    );
    assert.ok(taken > 4, `only ${taken} were taken`);
  });
}

/** How each dialect's clients ask for reasoning that they can read. */
const reasoned: Readonly<Record<DialectId, JsonObject>> = {
  "anthropic-messages": { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "high" } },
  gemini: { generationConfig: { thinkingConfig: { includeThoughts: true, thinkingLevel: "HIGH" } } },
  ollama: { think: true },
  "openai-chat": { reasoning_effort: "high" },
  "openai-responses": { reasoning: { effort: "high", summary: "auto" }, include: ["reasoning.encrypted_content"] },
};

const inputs = [{ city: 'Zürich "Höngg"', days: 1 }, { city: "Rome" }, { city: "\ud83d\ude00" }] as const;
const call = (input: object) => ({ name: "get_weather", arguments: { ...input } });
/** A question, four rounds of calls (some at once, some behind a word), and the answer. */
const rounds: readonly Script[] = [
  { toolCalls: [call(inputs[0])] },
  { toolCalls: [call(inputs[1]), call(inputs[2])], text: "" },
  { toolCalls: [call(inputs[0]), call(inputs[0])], text: "And once more." },
  { toolCalls: [call(inputs[2])] },
  { text: "It is sunny.", toolCalls: [] },
];

/** Every thought's seal in what a provider sent or got. */
function sealsIn(text: string): readonly string[] {
  return [...new Set(text.match(/[A-Za-z0-9+/]{64}/g))].filter((found) => isThoughtSeal(found));
}

/** One round: what the provider is sent and what the client has of its reply. */
interface Round {
  readonly sent: string;
  readonly answered: string;
  readonly reply: JsonObject;
}

function playRound(pair: Pair, body: JsonObject, script: Script, stream: boolean, loop: Loop): Round {
  const { from, to } = pair;
  const requestId = `req${loop.count++}`;
  const request = translated({ from, to, body, stream, remembered: loop.remembered });
  const { status, bytes } = provider.answer(to, request, script);
  const sent = Buffer.from(request.body).toString();
  assert.equal(status, 200, `${bytes.toString()} for ${sent}`);
  const { echo, tools, changedTools } = request;
  const reply = replyTo(pair, { requestId, echo, tools }, changedTools, (id, thoughts) => {
    loop.remembered.set(id, thoughts);
  });
  const text = stream ? reply.push(bytes) + reply.end() : reply.whole(bytes, false);
  assert.equal(reply.failure, undefined);
  assert.ok(text !== undefined);
  const told = stream ? assembled(from, text) : (JSON.parse(text) as JsonObject);
  return { sent, answered: bytes.toString(), reply: told };
}

interface Loop {
  count: number;
  /** For callers whose clients cannot carry states. */
  readonly remembered: Map<string, readonly ThinkingPart[]>;
}

/** Ollama's own format has no states, and a chat provider gives none here. */
const keepsStates: readonly DialectId[] = ["anthropic-messages", "gemini", "openai-responses"];

for (const { from, to } of pairs) {
  for (const stream of [false, true]) {
    test(`a client of ${from} goes on with a provider of ${to} for five turns with tools, ${stream ? "streamed" : "whole"}`, () => {
      const speaker = speakers[from];
      const loop: Loop = { count: 0, remembered: new Map() };
      const seals: string[] = [];
      let body: JsonObject = { model: "m", ...speaker.ask("weather?"), ...reasoned[from] };
      for (const [index, script] of rounds.entries()) {
        const { sent, answered, reply } = playRound({ from, to }, body, script, stream, loop);
        for (const seal of seals) assert.ok(sent.includes(seal), `a state is missing in turn ${index}: ${sent}`);
        assert.ok(!sent.includes(sealMark), "an envelope of ours went to a provider");
        if (keepsStates.includes(to)) seals.push(...sealsIn(answered));
        const calls = speaker.calls(reply);
        assert.deepEqual(
          calls.map(({ name, input }) => ({ name, arguments: input })),
          script.toolCalls,
        );
        if (script.text !== undefined) assert.equal(speaker.text(reply), script.text);
        body = speaker.goOn(body, reply, `the result of turn ${index}`) as JsonObject;
      }
      if (keepsStates.includes(to)) assert.ok(seals.length > 0, "the provider gave no states");
    });
  }
}
