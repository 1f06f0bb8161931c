import { compileNamePattern, type NameMatcher } from "../kernel/name-pattern.ts";
import { isPattern, type Route } from "./route.ts";
import { withoutSuffix } from "./tiers.ts";

/** Routes by what they are asked for. */
export interface RouteIndex {
  /** The route that a requested name leads to: an exact name before a pattern, a longer pattern before a shorter one. */
  match(requested: string): Route | undefined;
  get(name: string): Route | undefined;
  /** Sorted by name. */
  readonly list: readonly Route[];
}

interface Pattern {
  readonly route: Route;
  readonly matches: NameMatcher;
}

/** Of routes with the same name the last one counts. */
export function createRouteIndex(routes: readonly Route[]): RouteIndex {
  const byName = new Map(routes.map((route) => [route.name, route]));
  const list = [...byName.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const names = new Map(list.filter(({ name }) => !isPattern(name)).map((route) => [route.name, route]));
  const patterns: readonly Pattern[] = list
    .filter(({ name }) => isPattern(name))
    .toSorted((one, other) => fixedLength(other) - fixedLength(one))
    .map((route) => ({ route, matches: compileNamePattern(route.name) }));
  const fitting = (name: string): Route | undefined => patterns.find(({ matches }) => matches(name))?.route;

  return {
    list,
    get: (name) => byName.get(name),
    match(requested) {
      if (list.length === 0) return undefined;
      const bare = withoutSuffix(requested);
      const exact = names.get(requested) ?? names.get(bare);
      return exact ?? fitting(requested) ?? (bare === requested ? undefined : fitting(bare));
    },
  };
}

/** How much of a name a pattern states. */
function fixedLength({ name }: Route): number {
  return name.replaceAll("*", "").length;
}
