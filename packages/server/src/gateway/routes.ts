import type { Dialect } from "../dialects/index.ts";
import type { Caller } from "../identity/index.ts";
import type { HttpReply, HttpRequest } from "../ingress/index.ts";

/** Who may come in: everyone, or whoever shows a valid key of this gateway. What a key allows is its handler's to ask. */
export type Policy = "public" | "key";

/** One request on its way to a handler. */
export interface Visit {
  readonly request: HttpRequest;
  readonly response: HttpReply;
  /** ULID; the caller sees it as `x-request-id`. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** What stands in the place of the path's `{…}`, percent-decoded; empty where it has none. */
  readonly name: string;
  /** As it came, with its `?`, or empty. */
  readonly query: string;
}

interface RouteHead {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/v1/messages`, or with one name in it, which takes one character or more: `/v1/models/{model}`. */
  readonly path: string;
  /** Paths that fit it and are somebody else's. */
  readonly except?: RegExp;
  /** Whose errors are spoken there; chosen by what the request says of its client where several share a path. */
  readonly dialect: Dialect | ((request: HttpRequest) => Dialect);
}

/** One address of the data plane. There is no other way in: what is not in the table is not found. */
export type GatewayRoute = RouteHead &
  (
    | { readonly policy: "public"; answer(visit: Visit): void }
    | { readonly policy: "key"; answer(visit: Visit, caller: Caller): void }
  );

export interface FoundRoute {
  readonly route: GatewayRoute;
  readonly name: string;
}

export interface RouteTable {
  readonly routes: readonly GatewayRoute[];
  find(method: string, path: string): FoundRoute | undefined;
  /** The methods that are taken at a path, sorted. */
  methodsAt(path: string): readonly string[];
}

/** Throws if a route has no policy, or if two claim the same method and path. */
export function createRouteTable(routes: readonly GatewayRoute[]): RouteTable {
  const exact = new Map<string, FoundRoute>();
  const patterns: { readonly route: GatewayRoute; readonly before: string; readonly after: string }[] = [];
  for (const route of routes) {
    const place = `${route.method} ${route.path}`;
    if (!isPolicy(route.policy)) throw new Error(`the route ${place} has no policy`);
    if (exact.has(place)) throw new Error(`two routes claim ${place}`);
    exact.set(place, { route, name: "" });
    const [before = "", after] = route.path.split(/\{\w+\}/);
    if (after !== undefined) patterns.push({ route, before, after });
  }
  // Where several fit, the one that says most of the path is meant.
  patterns.sort((one, other) => other.route.path.length - one.route.path.length);

  function find(method: string, path: string): FoundRoute | undefined {
    const known = exact.get(`${method} ${path}`);
    if (known !== undefined) return known.route.path.includes("{") ? undefined : known;
    for (const { route, before, after } of patterns) {
      if (route.method !== method || !path.startsWith(before) || !path.endsWith(after)) continue;
      const name = path.slice(before.length, path.length - after.length);
      if (route.except?.test(path) === true) continue;
      if (path.length > before.length + after.length) return { route, name: decoded(name) };
    }
    return undefined;
  }

  const methods = [...new Set(routes.map((route) => route.method))].toSorted();
  return { routes, find, methodsAt: (path) => methods.filter((method) => find(method, path) !== undefined) };
}

function isPolicy(policy: unknown): policy is Policy {
  return policy === "public" || policy === "key";
}

/** A name that is not well encoded stays as it is; no model and no id of ours is called that. */
function decoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
