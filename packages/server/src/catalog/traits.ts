import {
  type Effort,
  efforts as allEfforts,
  type ModelTraits,
  type ThinkingForm,
  unknownTraits,
} from "../kernel/model-traits.ts";
import { createGlob } from "./glob.ts";
import type { CatalogModel } from "./models.ts";
import data from "./traits.json" with { type: "json" };

/** Who is asked, and how. */
interface AskedModel {
  /** The provider's id. */
  readonly provider: string;
  /** The dialect's id. */
  readonly dialect: string;
  /** The model's name there: `claude-opus-4-6`, `openai/gpt-oss-120b`, `qwen3:8b`. */
  readonly model: string;
  /** What the catalog says of it, if it is there. */
  readonly catalog?: CatalogModel | undefined;
}

/**
 * A line of `traits.json`, whose shape is held by `traits.test.ts`. `models`, `except`: patterns of names in lower case,
 * without what stands before the last slash. Without `providers` or `dialects` it holds for all.
 */
interface TraitRule {
  readonly models: readonly string[];
  readonly except?: readonly string[];
  readonly providers?: readonly string[];
  readonly dialects?: readonly string[];
  readonly thinking?: ThinkingForm;
  readonly efforts?: readonly Effort[];
  readonly can_stop_thinking?: boolean;
  readonly sampling?: boolean;
  readonly tools?: boolean;
  readonly forced_tool_while_thinking?: boolean;
  readonly schema_output?: boolean;
  readonly images?: boolean;
  readonly documents?: boolean;
  readonly audio?: boolean;
  readonly prefill?: boolean;
  readonly system_turns?: boolean;
  readonly tool_schema?: ModelTraits["toolSchema"];
  readonly reasoning_field?: ModelTraits["reasoningField"];
  readonly max_tokens_field?: ModelTraits["maxTokensField"];
  readonly call_ids?: ModelTraits["callIds"];
  readonly verbosity?: boolean;
  readonly cache_field?: ModelTraits["cacheField"];
}

interface Rule {
  holds(asked: AskedModel, name: string): boolean;
  readonly traits: Partial<ModelTraits>;
}

const known = new Map<string, { readonly catalog: CatalogModel | undefined; readonly traits: ModelTraits }>();
/** Names may be of a caller's making. */
const mostKnown = 2_000;
let compiled: { readonly families: readonly Rule[]; readonly exceptions: readonly Rule[] } | undefined;

/**
 * How a model wants to be asked: what is known of its family and of its provider, then what the catalog says of it alone, and
 * then what we know better. A later rule wins over an earlier one.
 */
export function traitsOf(asked: AskedModel): ModelTraits {
  const key = `${asked.provider}\n${asked.dialect}\n${asked.model}`;
  const found = known.get(key);
  if (found !== undefined && found.catalog === asked.catalog) return found.traits;
  const traits = workOut(asked);
  if (known.size >= mostKnown) known.clear();
  known.set(key, { catalog: asked.catalog, traits });
  return traits;
}

function workOut(asked: AskedModel): ModelTraits {
  compiled ??= { families: rulesOf(data.families), exceptions: rulesOf(data.exceptions) };
  const name = asked.model.slice(asked.model.lastIndexOf("/") + 1).toLowerCase();
  const family = applied(unknownTraits, compiled.families, asked, name);
  const traits = asked.catalog === undefined ? family : { ...family, ...catalogTraits(asked.catalog) };
  return Object.freeze(applied(traits, compiled.exceptions, asked, name));
}

function applied(base: ModelTraits, rules: readonly Rule[], asked: AskedModel, name: string): ModelTraits {
  const held = rules.filter((rule) => rule.holds(asked, name)).map((rule) => rule.traits);
  return Object.assign({}, base, ...held) as ModelTraits; // each rule is a part of one
}

/**
 * Abilities are lists of what is known to be: that a schema for the answer is not among them says nothing, nor does a
 * temperature, unless of a model that reasons: only such refuse one.
 */
function catalogTraits({ abilities, input, ...limits }: CatalogModel): Partial<ModelTraits> {
  const has = new Set(abilities);
  return {
    ...(has.has("reasoning") && !has.has("temperature") && { sampling: false }),
    ...(!has.has("reasoning") && { thinking: "none" as const, efforts: [], canStopThinking: true }),
    ...(!has.has("tool_call") && { tools: false }),
    ...(has.has("structured_output") && { schemaOutput: true }),
    images: input.includes("image"),
    documents: input.includes("pdf"),
    audio: input.includes("audio"),
    maxOutputTokens: limits.maxOutputTokens,
    contextTokens: limits.contextTokens,
  };
}

function rulesOf(list: readonly unknown[]): readonly Rule[] {
  return (list as readonly TraitRule[]).map(ruleOf); // the test beside this file parses each
}

function ruleOf({ models, except = [], providers, dialects, ...traits }: TraitRule): Rule {
  const isOne = models.map(createGlob);
  const isNone = except.map(createGlob);
  return {
    holds: (asked, name) =>
      (providers === undefined || providers.includes(asked.provider)) &&
      (dialects === undefined || dialects.includes(asked.dialect)) &&
      isOne.some((matches) => matches(name)) &&
      !isNone.some((matches) => matches(name)),
    traits: renamed(traits),
  };
}

function renamed(traits: Omit<TraitRule, "models" | "except" | "providers" | "dialects">): Partial<ModelTraits> {
  const entries = Object.entries(traits).map(([name, value]) => [camelCase(name), sorted(value)]);
  return Object.fromEntries(entries) as Partial<ModelTraits>;
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Efforts stand from least to most, whatever their order in the file. */
function sorted(value: unknown): unknown {
  return Array.isArray(value) ? allEfforts.filter((effort) => value.includes(effort)) : value;
}
