import type { JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { type ChatExtra, chatExtras, type ChatField, chatFields, type ChatRules } from "../request-rules.ts";

/** The fields of a request that a provider takes, by the names that it has for them; what else was to be said is lost. */
export function followRules(fields: JsonObject, rules: ChatRules, losses: Losses): JsonObject {
  const kept = Object.entries(fields).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    if (!isTaken(name, rules)) {
      lose(name, value, losses);
      return [];
    }
    return [[Object.hasOwn(rules.renamed, name) ? (rules.renamed[name as ChatField] ?? name) : name, value]];
  });
  return Object.fromEntries(kept);
}

function isTaken(name: string, { takes, lacks }: ChatRules): boolean {
  if (isOne(chatExtras, name)) return takes.includes(name);
  return !isOne(chatFields, name) || !lacks.includes(name);
}

function isOne<Name extends string>(names: readonly Name[], name: string): name is Name {
  return (names as readonly string[]).includes(name);
}

/** These tell something of the caller, or save time or money. */
const hints: readonly string[] = ["user", "prompt_cache_key", "service_tier"] satisfies readonly ChatExtra[];

function lose(name: string, value: unknown, losses: Losses): void {
  if (hints.includes(name)) losses.hint(name, "the provider is not known to take one");
  else if (!isUsual(name, value)) losses.dropped(name, "the provider takes none");
}

const usual: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["temperature", 1],
  ["top_p", 1],
  ["presence_penalty", 0],
  ["frequency_penalty", 0],
  ["verbosity", "medium"],
]);

/** What is so anyway is no loss. */
export function isUsual(name: string, value: unknown): boolean {
  return usual.has(name) && usual.get(name) === value;
}
