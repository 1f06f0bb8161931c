import { policies, type Policy } from "@portcullis/contract";
import { AppError } from "../kernel/errors.ts";

/** One route: its path cut at the slashes, a part in `{braces}` standing for any text without a slash. */
export interface Route<Handler> {
  readonly method: string;
  readonly path: string;
  readonly policy: Policy;
  readonly handler: Handler;
}

export interface Match<Handler> {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Finds the route of a request. A fixed part wins over one in braces (`/providers/with-keys` over `/providers/{id}`).
 * Throws `method_not_allowed` where the path exists and the method does not; `undefined` for an unknown path. A route
 * without a policy is a mistake that nothing starts with.
 */
export function createRouter<Handler>(routes: readonly Route<Handler>[]) {
  for (const { method, path, policy } of routes) {
    if (!policies.includes(policy)) throw new Error(`the route ${method} ${path} has no policy`);
  }
  const table = routes
    .map((route) => ({ ...route, parts: route.path.split("/") }))
    .toSorted((left, right) => variables(left.parts) - variables(right.parts));

  return (method: string, path: string): Match<Handler> | undefined => {
    const given = path.split("/");
    const allowed: string[] = [];
    for (const route of table) {
      const params = matchParts(route.parts, given);
      if (params === undefined) continue;
      if (route.method === method) return { handler: route.handler, params };
      allowed.push(route.method);
    }
    if (allowed.length > 0) throw new AppError("method_not_allowed", { path, method, allowed: allowed.join(", ") });
    return undefined;
  };
}

function variables(parts: readonly string[]): number {
  return parts.filter((part) => part.startsWith("{")).length;
}

function matchParts(parts: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (parts.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index] ?? "";
    if (!part.startsWith("{")) {
      if (part !== value) return undefined;
    } else {
      const decoded = decode(value);
      if (decoded === undefined || decoded === "") return undefined;
      params[part.slice(1, -1)] = decoded;
    }
  }
  return params;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
