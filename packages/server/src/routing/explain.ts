import { AppError, asAppError } from "../kernel/errors.ts";
import type { Provider, Providers } from "../providers/index.ts";
import type { Routing } from "./resolve.ts";
import type { Asked, Target } from "./target.ts";

export interface Explanation {
  /** The route that the name leads to, even if it leads on to nowhere. */
  readonly route: string | null;
  readonly target: Target | undefined;
  /** The id of the credential whose turn it is. */
  readonly credential: string | null;
  /** What the caller of such a request would be told. */
  readonly problem: AppError | undefined;
}

export interface ExplainParts {
  readonly routing: Routing;
  readonly credentials: Pick<Providers["credentials"], "peek" | "strayed" | "state">;
}

/** Where a request would go; nobody is called, and nothing is changed by asking. */
export function explain(asked: Asked, { routing, credentials }: ExplainParts): Explanation {
  try {
    const target = routing.resolve(asked);
    return { route: target.route, target, ...credentialFor(target.provider, credentials) };
  } catch (thrown) {
    const problem = asAppError(thrown);
    const route = problem.code === "route_broken" ? (routing.routes.match(asked.model)?.name ?? null) : null;
    return { route, target: undefined, credential: null, problem };
  }
}

/** Which key would be used, or why there is none; as far as that is known without opening it. */
function credentialFor(
  provider: Provider,
  credentials: ExplainParts["credentials"],
): Pick<Explanation, "credential" | "problem"> {
  const chosen = credentials.peek(provider.id);
  if (chosen !== undefined) {
    const sealed = credentials.state(chosen) === "sealed";
    return { credential: chosen.id, problem: sealed ? new AppError("vault_sealed") : undefined };
  }
  const strayed = credentials.strayed(provider.id);
  if (strayed !== undefined) {
    const problem = new AppError("vault_origin_refused", { id: strayed.id, origin: provider.origin });
    return { credential: null, problem };
  }
  const problem = provider.needsKey ? new AppError("no_credential", { provider: provider.id }) : undefined;
  return { credential: null, problem };
}
