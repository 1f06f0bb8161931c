import type { ModelPrice } from "../catalog/index.ts";
import { dialects, type DialectId } from "../dialects/index.ts";
import { AppError } from "../kernel/errors.ts";
import { authFor, type AuthScheme, type Provider, type Providers } from "../providers/index.ts";

/** Where a request goes: a provider that speaks the caller's dialect, and the model's name there. */
export interface Target {
  readonly provider: Provider;
  readonly model: string;
  /** `https://api.groq.com` */
  readonly origin: string;
  readonly auth: AuthScheme;
  /** What the dialect's own paths follow, version segment included: `/openai/v1`. */
  readonly pathPrefix: string;
  /** `undefined` where the price is not known. */
  readonly price: ModelPrice | undefined;
}

export interface RoutingParts {
  readonly providers: Providers;
  /** Whether the provider can be called now: it needs no key, or has a usable one. */
  readonly isUsable: (provider: Provider) => boolean;
}

export interface Routing {
  /**
   * The target of a requested model name: `provider/model`, or the id of a model at the provider the caller named apart, or
   * the bare id of a model that exactly one usable provider serves. Throws `model_not_found`, `ambiguous_model`,
   * `translation_needed`, and `invalid_request` for a provider that there is not.
   */
  resolve(requested: string, dialect: DialectId, provider?: string): Target;
}

export function createRouting(parts: RoutingParts): Routing {
  return {
    resolve: (requested, dialect, provider) =>
      explicit(requested, dialect, parts) ??
      (provider === undefined ? bare(requested, dialect, parts) : apart(provider, requested, dialect, parts)),
  };
}

/** `provider/model`. A model the catalog does not know is passed on all the same: the provider knows best. */
function explicit(requested: string, dialect: DialectId, parts: RoutingParts): Target | undefined {
  const slash = requested.indexOf("/");
  if (slash <= 0) return undefined;
  const provider = parts.providers.get(requested.slice(0, slash));
  const model = requested.slice(slash + 1);
  if (provider === undefined || model === "") return undefined;
  return targetOf(provider, model, dialect, parts);
}

/** The provider in a header of its own, as clients of Portkey send it: `openai`, or `@openai`. */
function apart(name: string, model: string, dialect: DialectId, parts: RoutingParts): Target {
  const provider = parts.providers.get(name.replace(/^@/, ""));
  if (provider === undefined) {
    throw new AppError("invalid_request", {
      problem: `\`x-portkey-provider: ${name}\` is no provider of this gateway`,
    });
  }
  return targetOf(provider, model, dialect, parts);
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
  const only = speaking[0] ?? candidates[0]; // one that does not speak it makes the error that says so
  if (only === undefined) throw new AppError("model_not_found", { model });
  if (speaking.length > 1) {
    throw new AppError("ambiguous_model", { model, providers: speaking.map((provider) => provider.id).join(", ") });
  }
  return targetOf(only, model, dialect, parts);
}

function targetOf(provider: Provider, model: string, dialect: DialectId, parts: RoutingParts): Target {
  const endpoint = provider.endpoints[dialect];
  if (endpoint === undefined) throw translationNeeded(provider, model, dialect, parts);
  const auth = authFor(provider, dialect);
  return {
    provider,
    model,
    auth,
    ...addressOf(endpoint),
    price: parts.providers.models.lookup(provider.id, model)?.price,
  };
}

const addresses = new Map<string, { readonly origin: string; readonly pathPrefix: string }>();

/** Endpoints are few and parsing one costs as much as the rest of routing, so each is parsed once. */
function addressOf(endpoint: string): { readonly origin: string; readonly pathPrefix: string } {
  const known = addresses.get(endpoint);
  if (known !== undefined) return known;
  if (addresses.size > 1_000) addresses.clear(); // after as many changes of address
  const url = new URL(endpoint);
  const address = { origin: url.origin, pathPrefix: url.pathname === "/" ? "" : url.pathname };
  addresses.set(endpoint, address);
  return address;
}

/** No translation yet: say which dialect that provider takes, and who would serve the model directly. */
function translationNeeded(provider: Provider, model: string, dialect: DialectId, parts: RoutingParts): AppError {
  const spoken = dialects.filter((candidate) => provider.endpoints[candidate.id] !== undefined);
  const direct = servedDirectly(provider, model, dialect, parts);
  const paths = spoken.flatMap((candidate) => candidate.routes[0]?.path ?? []).join(" or ");
  const other = direct === undefined ? "" : `, or ask for \`${direct}\`, which is served directly`;
  const name = dialects.find((candidate) => candidate.id === dialect)?.name ?? dialect;
  return new AppError("translation_needed", {
    model,
    provider: provider.name,
    dialect: name,
    advice: `send it to ${paths}${other}`,
  });
}

/**
 * The model as `provider/model` at a provider that takes the dialect, and can be called if any of them can. Resellers have
 * it under the first provider's name too.
 */
function servedDirectly(asked: Provider, model: string, dialect: DialectId, parts: RoutingParts): string | undefined {
  const serving = [model, `${asked.id}/${model}`].flatMap((name) =>
    parts.providers.models
      .providersOf(name)
      .flatMap((id) => parts.providers.get(id) ?? [])
      .filter((provider) => provider.endpoints[dialect] !== undefined)
      .map((provider) => ({ provider, name: `${provider.id}/${name}` })),
  );
  return (serving.find(({ provider }) => parts.isUsable(provider)) ?? serving[0])?.name;
}
