import type { ModelAt, Tier, Tiers } from "./route.ts";

/** What a requested name tells of the tier that is meant, by a word in it; the first that is found counts. */
const tierByWord: readonly (readonly [word: string, tier: Tier])[] = [
  ["opus", "reasoning"],
  ["fable", "reasoning"],
  ["haiku", "value"],
  ["sonnet", "completion"],
];

/**
 * The tier of a request, and where it leads. A name of the reasoning or the value tier is taken at its word; with any other,
 * thinking makes the difference. A tier that the route does not have is `completion`, and `thinking` is called only where
 * something depends on it.
 */
export function chooseTier(
  requested: string,
  tiers: Tiers,
  thinking: () => boolean,
): { readonly tier: Tier; readonly target: ModelAt } {
  const tier = wantedTier(requested, tiers, thinking);
  const target = tiers[tier];
  return target === undefined ? { tier: "completion", target: tiers.completion } : { tier, target };
}

function wantedTier(requested: string, tiers: Tiers, thinking: () => boolean): Tier {
  const name = withoutSuffix(requested).toLowerCase();
  const named = tierByWord.find(([word]) => name.includes(word))?.[1] ?? "completion";
  if (named !== "completion" || tiers.reasoning === undefined) return named;
  return thinking() ? "reasoning" : "completion";
}

/** Clients say in brackets how they use a model (`claude-opus-4-5[1m]`), which is no part of its name. */
export function withoutSuffix(name: string): string {
  return name.replace(/\[[^[\]]*\]$/, "");
}
