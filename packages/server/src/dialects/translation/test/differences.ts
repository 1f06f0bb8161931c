import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Conversation, Tool, Turn, UserPart } from "../../canonical/conversation.ts";
import type { Loss } from "../../canonical/loss.ts";
import { argumentsObject } from "../../canonical/wire.ts";
import type { DialectId } from "../../dialect.ts";

/*
 * What of a conversation is missing or otherwise after it was written in a dialect and read again, and that no loss owns up to.
 * Fields are compared one by one, each with the paths that excuse it. What was said is compared kind by kind: what each role
 * said in words, the calls, the results, what is not text. A part may be missing only from a turn with a loss that names the kind.
 *
 * Two ways of saying the same are no difference: how a text is cut and which blanks stand between its pieces; a document of plain
 * text, told as text; that a result is an error, told in words where the dialect has no field for it; what the schema of an answer is
 * called; whether reasoning is shown, which is the reply's affair.
 */

/** By a field of a conversation, what losses call it. */
const excuses: Readonly<Record<string, RegExp>> = {
  toolChoice: /^tool_choice$/,
  parallelTools: /^parallel_tool_calls$/,
  maxOutputTokens: /^max_tokens$/,
  stop: /^stop$/,
  reasoning: /^reasoning$/,
  output: /^response_format$/,
  verbosity: /^verbosity$/,
  user: /^user$/,
  cacheKey: /^prompt_cache_key$/,
  speed: /^(?:speed|service_tier)$/,
  temperature: /^temperature$/,
  topP: /^top_p$/,
  topK: /^top_k$/,
  seed: /^seed$/,
  presencePenalty: /^presence_penalty$/,
  frequencyPenalty: /^frequency_penalty$/,
};

/** What is so anyway, and need not be said. */
const defaults: Readonly<Record<string, readonly unknown[]>> = {
  toolChoice: [{ type: "none" }],
  parallelTools: [true],
  reasoning: ["none"],
  temperature: [1],
  topP: [1],
  presencePenalty: [0],
  frequencyPenalty: [0],
};

/** Where a dialect has another way for a whole field, the same on both sides. */
export interface Manners {
  /** Whether results say by themselves that they are errors. */
  readonly marksErrors: boolean;
  /** Whether the texts of thoughts of others are told. */
  readonly tellsThoughts: boolean;
  /** Whether the type of an image is told, or seen in its bytes. */
  readonly tellsTypes: boolean;
  /** Whether the ids of calls are kept; if not, only which result belongs to which call. */
  readonly keepsIds: boolean;
}

export const manners: Readonly<Record<DialectId, Manners>> = {
  "anthropic-messages": { marksErrors: true, tellsThoughts: false, tellsTypes: true, keepsIds: true },
  gemini: { marksErrors: true, tellsThoughts: false, tellsTypes: true, keepsIds: false },
  ollama: { marksErrors: false, tellsThoughts: true, tellsTypes: false, keepsIds: true },
  "openai-chat": { marksErrors: false, tellsThoughts: true, tellsTypes: true, keepsIds: true },
  "openai-responses": { marksErrors: false, tellsThoughts: false, tellsTypes: true, keepsIds: true },
};

export function differences(
  before: Conversation,
  after: Conversation,
  losses: readonly Loss[],
  how: Manners,
): readonly string[] {
  const paths = losses.map(({ path }) => path);
  return [
    ...fieldDifferences(before, after, paths),
    ...toolDifferences(before, after, paths),
    ...wordDifferences(before, after, paths),
    ...callDifferences(before, after, paths, how),
    ...resultDifferences(before, after, paths, how),
    ...mediaDifferences(before, after, paths, how),
    ...(how.tellsThoughts ? thoughtDifferences(before, after) : []),
  ];
}

function fieldsOf(conversation: Conversation): Readonly<Record<string, unknown>> {
  const { system: _s, turns: _t, tools: _l, stream: _m, sampling, reasoning, stop, output, ...rest } = conversation;
  return {
    ...rest,
    ...sampling,
    toolChoice: choiceOf(conversation),
    parallelTools: offered(conversation).length === 0 ? undefined : conversation.parallelTools,
    stop: stop.length > 0 ? stop : undefined,
    reasoning: reasoning && (reasoning.effort ?? reasoning.budgetTokens),
    output: output && [output.type, output.type === "schema" && namesIn(output.schema)],
  };
}

/** A name that is too long is told as its digest. */
function isDigest(name: unknown, digest: unknown): boolean {
  return typeof name === "string" && createHash("sha256").update(name).digest("hex") === digest;
}

function fieldDifferences(before: Conversation, after: Conversation, paths: readonly string[]): readonly string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return Object.entries(excuses).flatMap(([field, path]) => {
    const [one, other] = [old[field], now[field]];
    if (isDeepStrictEqual(plain(one), plain(other)) || paths.some((each) => path.test(each))) return [];
    if (
      defaults[field]?.some((usual) => other === undefined && isDeepStrictEqual(usual, one)) === true ||
      isDigest(one, other)
    )
      return [];
    if (one === undefined && field === "maxOutputTokens") return []; // one dialect wants a limit always
    return [`${field}: ${JSON.stringify(one)} became ${JSON.stringify(other)}`];
  });
}

/** As JSON has it: without what is undefined. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

/** Tools that may not be called are as good as not offered, and a choice among the others is a choice. */
function offered({ tools, toolChoice: choice }: Conversation): readonly Tool[] {
  if (choice?.type === "none") return [];
  return choice?.type === "allowed" ? tools.filter(({ name }) => choice.names.includes(name)) : tools;
}

function choiceOf({ toolChoice: choice, tools }: Conversation): unknown {
  switch (choice?.type) {
    case undefined:
    case "auto":
      return undefined;
    case "any":
      return forcedTo(tools.map(({ name }) => name));
    case "allowed":
      return choice.required ? forcedTo(choice.names) : undefined;
    case "none":
      return tools.length === 0 ? undefined : choice;
    case "tool":
      return choice;
  }
}

function forcedTo(names: readonly string[]): unknown {
  return names.length === 1 ? { type: "tool", name: names[0] } : { type: "any" };
}

function toolDifferences(before: Conversation, after: Conversation, paths: readonly string[]): readonly string[] {
  if (paths.includes("tools")) return [];
  const [kept, now] = [offered(before), offered(after)];
  if (now.length < kept.length && paths.includes("tool_choice")) return [];
  if (kept.length !== now.length) return [`${kept.length} tools became ${now.length}`];
  return kept.flatMap((tool, index) => {
    const other = now[index];
    const at = `tools[${before.tools.indexOf(tool)}]`;
    const is = (what: string): boolean =>
      paths.some((path) => path === `${at}.${what}` || path === at || path.startsWith(`${at}.${what}.`));
    const fields: readonly (readonly [string, unknown, unknown])[] = [
      ["name", tool.name, other?.name],
      ["kind", tool.kind, other?.kind],
      ["description", tool.description, other?.description],
      ["grammar", tool.grammar, other?.grammar],
      ["strict", tool.strict ?? false, other?.strict ?? false],
      ["parameters", namesIn(tool.parameters), namesIn(other?.parameters)],
    ];
    return fields
      .filter(([field, one, other]) => !isDeepStrictEqual(plain(one), plain(other)) && !is(field))
      .map(([field, one, other]) => `${at}.${field}: ${JSON.stringify(one)} became ${JSON.stringify(other)}`);
  });
}

/** Of a schema, only what its arguments are called: how schemas change has tests of its own. */
function namesIn(schema: Conversation["tools"][number]["parameters"]): readonly string[] {
  return Object.keys((schema?.["properties"] ?? {}) as object);
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

interface Words {
  readonly role: string;
  readonly text: string;
}

/** What was said, by whom, in order; a document of text is a text. */
function wordsOf({ system, turns }: Conversation): readonly Words[] {
  const first: Turn = { role: "system", parts: system };
  const out: Words[] = [];
  for (const turn of [first, ...turns]) {
    const text = squeezed(turn.parts.map(wordsIn).join(" "));
    const last = out.at(-1);
    if (text === "") continue;
    if (last?.role !== turn.role) out.push({ role: turn.role, text });
    else out[out.length - 1] = { role: turn.role, text: `${last.text} ${text}` };
  }
  return out;
}

function wordsIn(part: Turn["parts"][number]): string {
  if (part.type === "text" || part.type === "refusal") return part.text;
  if (part.type === "document" && part.source.kind === "text") return part.source.text;
  return "";
}

/** Exactly what was said; where something else is told in words, at least that, by each role. */
function wordDifferences(before: Conversation, after: Conversation, paths: readonly string[]): readonly string[] {
  const isAdded = paths.some((path) => /^(?:system|messages|turns|response_format)$|^turns\[/.test(path));
  const isNamed = before.turns.some(({ parts }) => parts.some(hasName));
  if (isAdded || isNamed || before.output !== undefined) return missingWords(before, after, paths);
  const now = wordsOf(after);
  return wordsOf(before).flatMap(({ role, text }, index) => {
    const other = now[index];
    if (other?.role === role && joined(text) === joined(other.text)) return [];
    return [`${role} said ${JSON.stringify(text)}, and now ${JSON.stringify(other)}`];
  });
}

/** In its order; instructions may be told by the user, and the last words may be cut where they would end in a space. */
function missingWords(before: Conversation, after: Conversation, paths: readonly string[]): readonly string[] {
  const isMoved = paths.some((path) => /^(?:system|turns\[\d+\])$/.test(path));
  const said = (conversation: Conversation, role: string): string =>
    joined(
      wordsOf(conversation)
        .filter((words) => isMoved || words.role === role)
        .map(({ text }) => text)
        .join(" "),
    );
  return wordsOf(before).flatMap(({ role, text }) => {
    const missing = text.split(" ").filter((word) => !said(after, role).includes(word));
    return missing.map((word) => `${role} no longer says ${JSON.stringify(word)}`);
  });
}

function joined(text: string): string {
  return text.replaceAll(" ", "");
}

/** The name of a document is told before it. */
function hasName(part: Turn["parts"][number]): boolean {
  return part.type === "document" && part.name !== undefined;
}

type PartOf<Type extends string> = Extract<Turn["parts"][number], { readonly type: Type }>;

function partsOf<const Type extends Turn["parts"][number]["type"]>(
  { turns }: Conversation,
  type: Type,
): readonly (PartOf<Type> & { readonly turn: number })[] {
  return turns.flatMap((turn, index) =>
    turn.parts.filter((part): part is PartOf<Type> => part.type === type).map((part) => ({ ...part, turn: index })),
  );
}

function callDifferences(
  before: Conversation,
  after: Conversation,
  paths: readonly string[],
  how: Manners,
): readonly string[] {
  const fact = (call: PartOf<"tool_call">): unknown => {
    return [how.keepsIds ? call.id : "", call.name, call.kind, argumentsObject(call.arguments) ?? call.arguments];
  };
  const now = partsOf(after, "tool_call");
  const old = partsOf(before, "tool_call");
  const lost = old.length - now.length;
  const wrong = old.flatMap((call, index) => {
    const other = now[index];
    if (other !== undefined && isDeepStrictEqual(plain(fact(call)), plain(fact(other)))) return [];
    if (paths.includes(`turns[${call.turn}].tool_call`)) return [];
    return [`the call ${JSON.stringify(fact(call))} became ${JSON.stringify(other)}`];
  });
  return lost === 0 ? wrong : [...wrong, `${old.length} calls became ${now.length}`];
}

function resultDifferences(
  before: Conversation,
  after: Conversation,
  paths: readonly string[],
  how: Manners,
): readonly string[] {
  const place = (calls: Conversation, id: string): number =>
    partsOf(calls, "tool_call").findIndex((call) => call.id === id);
  const now = partsOf(after, "tool_result");
  const old = partsOf(before, "tool_result");
  if (old.length !== now.length) return [`${old.length} results became ${now.length}`];
  return old.flatMap((result, index) => {
    const other = now[index];
    if (other === undefined) return [];
    const at = `the result ${index} (${result.callId})`;
    const [one, two] = [wordsOfResult(result.parts), wordsOfResult(other.parts)];
    const isExact = how.marksErrors && !paths.some((path) => path.startsWith(`turns[${result.turn}].`));
    const isToldOtherwise = result.parts.some(({ type }) => type !== "text");
    const problems: string[] = [];
    if (place(before, result.callId) !== place(after, other.callId)) problems.push(`${at} belongs to another call`);
    if (how.marksErrors && result.isError !== other.isError) problems.push(`${at} is no longer an error`);
    if (!how.marksErrors && result.isError && !/error/i.test(two))
      problems.push(`${at} does not say that it is an error`);
    const isSame = isExact && !isToldOtherwise ? one === two : one.split(" ").every((word) => two.includes(word));
    if (!isSame) problems.push(`${at} said ${JSON.stringify(one)}, and now ${JSON.stringify(two)}`);
    return problems;
  });
}

function wordsOfResult(parts: readonly UserPart[]): string {
  return squeezed(parts.map(wordsIn).join(" "));
}

const media = ["image", "document", "audio"] as const;
type Medium = PartOf<"image"> | PartOf<"document"> | PartOf<"audio">;

/** What is no text, of users and of tools; where it stands among the results of a turn is told otherwise. */
function mediaDifferences(
  before: Conversation,
  after: Conversation,
  paths: readonly string[],
  { tellsTypes }: Manners,
): readonly string[] {
  const now = mediaOf(after).map(({ part }) => factOf(part, tellsTypes));
  const due = mediaOf(before).filter(({ part, turn }) => !paths.includes(`turns[${turn}].${part.type}`));
  return due.flatMap(({ part, turn }) => {
    const at = now.findIndex((other) => isDeepStrictEqual(other, factOf(part, tellsTypes)));
    if (at >= 0) now.splice(at, 1);
    return at >= 0 ? [] : [`${part.type} ${JSON.stringify(part)} of turn ${turn} is missing`];
  });
}

function mediaOf({ turns }: Conversation): readonly { readonly part: Medium; readonly turn: number }[] {
  return turns.flatMap((turn, index) =>
    turn.parts
      .flatMap((part): readonly Turn["parts"][number][] => (part.type === "tool_result" ? part.parts : [part]))
      .filter((part): part is Medium => media.some((type) => type === part.type))
      .filter((part) => part.source.kind !== "text")
      .map((part) => ({ part, turn: index })),
  );
}

function factOf({ type, source }: Medium, tellsTypes: boolean): unknown {
  if (source.kind === "url") return [type, source.url];
  if (source.kind === "file") return [source.id, source.origin.split("-")[0]]; // it knows what it is; OpenAI's are at one place
  return source.kind === "base64" ? [type, tellsTypes && source.mediaType, source.data] : [type, source];
}

function thoughtDifferences(before: Conversation, after: Conversation): readonly string[] {
  const textOf = (conversation: Conversation): string =>
    squeezed(
      partsOf(conversation, "thinking")
        .map(({ text }) => text)
        .join(" "),
    );
  const [one, two] = [textOf(before), textOf(after)];
  return one.split(" ").every((word) => two.includes(word))
    ? []
    : [`the thoughts ${JSON.stringify(one)} are ${JSON.stringify(two)}`];
}
