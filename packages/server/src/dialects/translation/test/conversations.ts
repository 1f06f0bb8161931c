import fc from "fast-check";
import { efforts } from "../../../kernel/model-traits.ts";
import { sealThought } from "../../../simulator/reply.ts";
import type {
  AssistantPart,
  Conversation,
  MediaSource,
  Tool,
  ToolChoice,
  Turn,
  UserPart,
} from "../../canonical/conversation.ts";
import type { FinishReason, Reply } from "../../canonical/reply.ts";
import { present } from "../../canonical/wire.ts";
import { dialectIds } from "./provider.ts";

/*
 * Conversations and replies as no sane client would have them: results before their calls, ids twice or empty, blank texts,
 * arguments that are none. What decoders never let through (an empty name of a tool, two tools of one name) is not among them.
 */

const odd = [
  "",
  " ",
  "\n\n",
  "\ud83d",
  "\udc00x",
  "\0",
  "data: x\n\nevent: y",
  "[DONE]",
  "é́",
  "👩‍👩‍👧",
  "__proto__",
  "\u2028",
  "﻿",
];
const plain = fc.string({ maxLength: 12, unit: "grapheme" });
export const texts: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("a", "Hello there.", "two\nlines", "JSON please") },
  { weight: 3, arbitrary: plain },
  { weight: 2, arbitrary: fc.constantFrom(...odd) },
);

const names = [
  "get_weather",
  "f",
  "constructor",
  "functions.Bash:0",
  "1st",
  "a b",
  `mcp__server__${"x".repeat(90)}`,
  "ä",
];
const name = fc.constantFrom(...names);
const id = fc.constantFrom(
  "call_1",
  "call_2",
  "fc_1",
  "toolu_01AbC",
  "functions.Bash:0",
  "",
  "ä",
  "x".repeat(300),
  "abcDEF123",
);

const bytes = fc.constantFrom("iVBORw0KGgo=", "AAAA", "R0lGODlh");
const url = fc.constantFrom("https://example.com/a.png", "https://example.com/x");
const inline = (...types: readonly string[]): fc.Arbitrary<MediaSource> =>
  fc.record({ kind: fc.constant("base64"), mediaType: fc.constantFrom(...types), data: bytes }, noPrototype);
const linked: fc.Arbitrary<MediaSource> = url.map((each) => ({ kind: "url", url: each }));
const filed: fc.Arbitrary<MediaSource> = fc
  .constantFrom(...dialectIds)
  .map((origin) => ({ kind: "file", id: "file-1", origin }));
const noPrototype = { noNullPrototype: true } as const;

const cache = fc.option(fc.constantFrom({ ttl: "5m" }, { ttl: "1h" } as const), { nil: undefined, freq: 8 });
const text = fc.tuple(texts, cache).map(([said, mark]) => present({ type: "text", text: said, cache: mark } as const));
const image = fc
  .tuple(fc.oneof(inline("image/png", "image/jpeg"), linked, filed), fc.constantFrom(undefined, "low", "high"), cache)
  .map(([source, detail, mark]) => present({ type: "image", source, detail, cache: mark } as const));
const written = texts.map((each) => ({ kind: "text", text: each }) as const);
const document = fc
  .tuple(fc.oneof(inline("application/pdf"), linked, filed, written), fc.constantFrom(undefined, "a.pdf"))
  .map(([source, title]) => present({ type: "document", source, name: title } as const));
const audio = inline("audio/wav", "audio/mpeg").map((source) => ({ type: "audio", source }) as const);

const result = fc.tuple(
  id,
  fc.array(fc.oneof({ weight: 4, arbitrary: text }, image, document), { maxLength: 3 }),
  fc.boolean(),
);
const userPart: fc.Arbitrary<UserPart> = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 2, arbitrary: image },
  { weight: 1, arbitrary: document },
  { weight: 1, arbitrary: audio },
  {
    weight: 6,
    arbitrary: result.map(([callId, parts, isError]) => {
      return { type: "tool_result", callId, kind: "function", parts, isError } as const;
    }),
  },
);

/** Objects in every spelling, and what is none. */
const goodArguments = fc.oneof(
  fc.constantFrom("{}", "", '{"city": "Zürich", "days": 1.0}', '{"n":12345678901234567890}', '{"\\ud83d":"\\u0000"}'),
  fc
    .dictionary(plain, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3, noNullPrototype: true })
    .map((each) => JSON.stringify(each)),
);
const badArguments = fc.constantFrom('{"broken', "[1]", "null", '"text"', "*** patch");
const args = fc.oneof({ weight: 6, arbitrary: goodArguments }, { weight: 1, arbitrary: badArguments });

/** States that the simulated vendors take for their own, and some that nobody does. */
const thought = fc
  .tuple(texts, fc.constantFrom(...dialectIds), fc.constantFrom("none", "own", "own", "anyone's", "forged", "empty"))
  .map(([said, dialect, how]): AssistantPart => {
    if (how === "none") return { type: "thinking", text: said };
    const provider = how === "anyone's" ? "" : how === "forged" ? "another" : `sim-${dialect}`;
    const data = how === "empty" ? "" : sealThought(said);
    const kind = dialect === "gemini" ? { kind: "text" } : {};
    const state = {
      dialect,
      provider,
      ...kind,
      data: dialect === "openai-chat" ? JSON.stringify([detailOf(data)]) : data,
    };
    return { type: "thinking", text: said, state: dialect === "openai-chat" ? { ...state, kind: "details" } : state };
  });

function detailOf(data: string): object {
  return { type: "reasoning.encrypted", data };
}

const assistantPart = (given: fc.Arbitrary<string>): fc.Arbitrary<AssistantPart> =>
  fc.oneof(
    { weight: 5, arbitrary: text },
    {
      weight: 5,
      arbitrary: fc.tuple(id, name, given).map(([callId, called, input]): AssistantPart => {
        return { type: "tool_call", id: callId, name: called, kind: "function", arguments: input };
      }),
    },
    { weight: 3, arbitrary: thought },
    { weight: 1, arbitrary: texts.map((each): AssistantPart => ({ type: "refusal", text: each })) },
  );

const some = { maxLength: 4 } as const;
const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 5, arbitrary: fc.array(userPart, some).map((parts): Turn => ({ role: "user", parts })) },
  { weight: 5, arbitrary: fc.array(assistantPart(args), some).map((parts): Turn => ({ role: "assistant", parts })) },
  { weight: 1, arbitrary: fc.array(text, some).map((parts): Turn => ({ role: "system", parts })) },
);

const schema = fc.constantFrom<Readonly<Record<string, unknown>> | undefined>(
  undefined,
  { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  {
    type: "object",
    properties: { days: { type: ["integer", "null"], exclusiveMinimum: 0 } },
    additionalProperties: false,
  },
  {
    type: "object",
    properties: { x: { anyOf: [{ const: 1 }, { $ref: "#/$defs/y" }] } },
    $defs: { y: { type: "string" } },
  },
);
const tool = fc
  .tuple(name, schema, fc.constantFrom(undefined, "What it does"), fc.constantFrom(undefined, true, false))
  .map(([called, parameters, description, strict]): Tool => {
    return present({ kind: "function", name: called, description, parameters, strict } as const);
  });
const custom = name.map((called): Tool => {
  const grammar = { syntax: "lark", definition: 'start: "a"' } as const;
  return { kind: "custom", name: called, grammar };
});
const tools = fc.uniqueArray(fc.oneof({ weight: 5, arbitrary: tool }, { weight: 1, arbitrary: custom }), {
  maxLength: 4,
  selector: (each) => each.name,
});

function choices(offered: readonly Tool[]): fc.Arbitrary<ToolChoice | undefined> {
  const [first] = offered;
  if (first === undefined) return fc.constant(undefined);
  return fc.constantFrom<ToolChoice | undefined>(
    undefined,
    { type: "auto" },
    { type: "any" },
    { type: "none" },
    { type: "tool", name: first.name },
    { type: "allowed", names: [first.name], required: true },
    { type: "allowed", names: [first.name], required: false },
  );
}

const number = (most: number): fc.Arbitrary<number | undefined> =>
  fc.option(
    fc.double({ min: 0, max: most, noNaN: true }).map((each) => Math.round(each * 8) / 8),
    { nil: undefined },
  );
const maybe = <T>(...values: readonly T[]): fc.Arbitrary<T | undefined> =>
  fc.constantFrom(undefined, undefined, ...values);
const sampling = fc
  .record({
    temperature: number(2),
    topP: number(1),
    topK: maybe(1, 40),
    seed: maybe(7),
    presencePenalty: maybe(0.5),
    frequencyPenalty: maybe(0, 1),
  })
  .map((each) => present(each));
const reasoning = fc.oneof(
  fc.constant(undefined),
  fc.tuple(fc.constantFrom(undefined, ...efforts), fc.boolean()).map(([effort, shown]) => present({ effort, shown })),
  fc.constantFrom(100, 4_000, 50_000).map((budgetTokens) => ({ budgetTokens, shown: true })),
);
const answer = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } as const;
const output = maybe(
  { type: "json" } as const,
  { type: "schema", name: "answer", schema: answer } as const,
  { type: "schema", name: "my answer", description: "d", schema: answer, strict: true } as const,
);

export const conversations: fc.Arbitrary<Conversation> = tools.chain((offered) =>
  fc
    .record({
      system: fc.array(text, { maxLength: 2 }),
      turns: fc.array(turn, { minLength: 1, maxLength: 7 }),
      tools: fc.constant(offered),
      toolChoice: choices(offered),
      parallelTools: offered.length === 0 ? fc.constant(undefined) : maybe(true, false),
      maxOutputTokens: maybe(1, 20, 5_000, 100_000),
      sampling,
      stop: fc.array(fc.constantFrom("END", "###", " ", "x"), { maxLength: 6 }),
      reasoning,
      output,
      verbosity: maybe("low", "high"),
      user: maybe("me", "u".repeat(300)),
      cacheKey: maybe("k", "k".repeat(90)),
      speed: maybe("fast"),
      stream: fc.boolean(),
    })
    .map((each) => present(each) as Conversation),
);

const counts = fc.integer({ min: 1, max: 1_000 });
/** What a provider may answer, with the ids and names of its calls as they come. */
export const replies: fc.Arbitrary<Reply> = fc
  .record({
    said: fc.array(assistantPart(goodArguments), { maxLength: 5 }),
    isCut: fc.constantFrom(false, false, false, true),
    usage: fc.tuple(counts, counts, counts, counts),
  })
  .map(({ said, isCut, usage: [input, output, cacheRead, reasoning] }): Reply => {
    const parts = said.filter((part) => part.type === "tool_call" || part.text.trim() !== "").map(ownPart);
    const usage = { input, output: output + reasoning, cacheRead, cacheWrite: 0, cacheWrite1h: 0, reasoning };
    return { id: "r1", parts, finish: { reason: isCut ? "length" : reasonOf(parts) }, usage };
  });

function reasonOf(parts: readonly AssistantPart[]): FinishReason {
  if (parts.some(({ type }) => type === "tool_call")) return "tool_calls";
  return parts.some(({ type }) => type === "refusal") ? "refusal" : "end";
}

/** Each call has an id of its own, or none; states in replies have tests of their own, as here each would be another's. */
function ownPart(part: AssistantPart, index: number): AssistantPart {
  if (part.type === "tool_call") return { ...part, id: part.id === "" ? "" : `${part.id}${index}` };
  return part.type === "thinking" ? { type: "thinking", text: part.text } : part;
}
