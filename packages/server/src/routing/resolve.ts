import type { DialectId } from "../dialects/index.ts";
import { AppError } from "../kernel/errors.ts";
import type { Provider, Providers } from "../providers/index.ts";
import { routeBroken } from "./broken-route.ts";
import type { Lossy, ModelAt, Route, Tier } from "./route.ts";
import type { Routes } from "./routes.ts";
import { targetAt, type Asked, type Target } from "./target.ts";
import { chooseTier } from "./tiers.ts";

export interface RoutingParts {
  readonly providers: Pick<Providers, "get" | "models">;
  /** Whether the provider can be called now: it needs no key, or has a usable one. */
  readonly isUsable: (provider: Provider) => boolean;
  readonly routes: Routes;
  /** For requests whose route does not say it. */
  readonly translation: { readonly lossy: Lossy };
}

export interface Routing {
  /**
   * The target of a requested model, first match wins: `provider/model`; the id of a model at the provider the caller named
   * apart; a route; the bare id of a model that one usable provider serves, or one in the caller's own dialect. Throws
   * `model_not_found`, `ambiguous_model`, `route_broken`, and `invalid_request` for a provider that there is not.
   */
  resolve(asked: Asked): Target;
  readonly routes: Routes;
}

export function createRouting(parts: RoutingParts): Routing {
  return {
    routes: parts.routes,
    resolve: (asked) =>
      explicit(asked, parts) ??
      (asked.provider === undefined
        ? (routed(asked, parts) ?? bare(asked.model, asked.dialect, parts))
        : apart(asked.provider, asked, parts)),
  };
}

/** `provider/model`. A model the catalog does not know is passed on all the same: the provider knows best. */
function explicit({ model: requested, dialect }: Asked, parts: RoutingParts): Target | undefined {
  const slash = requested.indexOf("/");
  if (slash <= 0) return undefined;
  const provider = parts.providers.get(requested.slice(0, slash));
  const model = requested.slice(slash + 1);
  if (provider === undefined || model === "") return undefined;
  return directTarget(provider, model, dialect, parts);
}

function apart(name: string, { model, dialect }: Asked, parts: RoutingParts): Target {
  const provider = parts.providers.get(name.replace(/^@/, ""));
  if (provider === undefined) {
    throw new AppError("invalid_request", {
      problem: `\`x-portkey-provider: ${name}\` is no provider of this gateway`,
    });
  }
  return directTarget(provider, model, dialect, parts);
}

function routed(asked: Asked, parts: RoutingParts): Target | undefined {
  const route = parts.routes.match(asked.model);
  if (route === undefined) return undefined;
  const { target, tier } = leadsTo(route, asked);
  const provider = parts.providers.get(target.provider);
  if (provider === undefined) throw routeBroken(route, target);
  const price = parts.providers.models.lookup(provider.id, target.model)?.price;
  const lossy = route.lossy ?? parts.translation.lossy;
  return targetAt({ provider, model: target.model }, asked.dialect, price, { route: route.name, tier, lossy });
}

/** Where a route leads a request. */
export function leadsTo(
  { destination }: Route,
  { model, thinking }: Pick<Asked, "model" | "thinking">,
): { readonly target: ModelAt; readonly tier: Tier | null } {
  if (destination.kind === "target") return { target: destination.target, tier: null };
  return chooseTier(model, destination.tiers, thinking);
}

function bare(model: string, dialect: DialectId, parts: RoutingParts): Target {
  const named = parts.providers.models.providersOf(model);
  // An engine that tags its models means the latest by a name without a tag.
  if (named.length === 0 && !model.includes(":") && parts.providers.models.providersOf(`${model}:latest`).length > 0) {
    return bare(`${model}:latest`, dialect, parts);
  }
  const serving = named.flatMap((id) => parts.providers.get(id) ?? []);
  const usable = serving.filter(parts.isUsable);
  const candidates = usable.length > 0 ? usable : serving;
  const speaking = candidates.filter((provider) => provider.endpoints[dialect] !== undefined);
  const [only, ...others] = speaking.length > 0 ? speaking : candidates;
  if (only === undefined) throw new AppError("model_not_found", { model });
  if (others.length > 0) {
    const providers = [only, ...others].map((provider) => provider.id).join(", ");
    throw new AppError("ambiguous_model", { model, providers });
  }
  return directTarget(only, model, dialect, parts);
}

function directTarget(provider: Provider, model: string, dialect: DialectId, parts: RoutingParts): Target {
  const price = parts.providers.models.lookup(provider.id, model)?.price;
  return targetAt({ provider, model }, dialect, price, { route: null, tier: null, lossy: parts.translation.lossy });
}
