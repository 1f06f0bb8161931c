import type { ModelPrice } from "../catalog/index.ts";
import type { DialectId } from "../dialects/index.ts";
import { authFor, type AuthScheme, type Provider } from "../providers/index.ts";
import type { Lossy, Tier } from "./route.ts";

/** What a request asks for. */
export interface Asked {
  readonly model: string;
  /** Of the caller. */
  readonly dialect: DialectId;
  /** The provider that the caller named apart, as clients of Portkey do: `openai`, or `@openai`. */
  readonly provider?: string | undefined;
  /** Whether thinking (reasoning) is on; called only where a tier depends on it. */
  readonly thinking: () => boolean;
}

/** Where a request goes: a provider, and the model's name there. */
export interface Target {
  readonly provider: Provider;
  readonly model: string;
  /** What the provider is called in: the caller's own dialect if it takes that, else the one to translate to. */
  readonly dialect: DialectId;
  /** `https://api.groq.com` */
  readonly origin: string;
  readonly auth: AuthScheme;
  /** What the dialect's own paths follow, version segment included: `/openai/v1`. */
  readonly pathPrefix: string;
  /** `undefined` where the price is not known. */
  readonly price: ModelPrice | undefined;
  /** The name or pattern of the route that led here. */
  readonly route: string | null;
  /** Of a route with tiers, the one that was chosen. */
  readonly tier: Tier | null;
  /** Whether a translation may lose what cannot be translated, or is refused then. */
  readonly lossy: Lossy;
}

/** How a model was come by. */
export type Way = Pick<Target, "route" | "tier" | "lossy">;

/** The target of a model at a provider. */
export function targetAt(
  { provider, model }: { readonly provider: Provider; readonly model: string },
  caller: DialectId,
  price: ModelPrice | undefined,
  way: Way,
): Target {
  const dialect = provider.endpoints[caller] === undefined ? provider.translateTo : caller;
  const { origin, pathPrefix } = addressOf(provider.endpoints[dialect] ?? provider.baseUrl);
  const auth = authFor(provider, dialect);
  const { route, tier, lossy } = way;
  return { provider, model, dialect, origin, auth, pathPrefix, price, route, tier, lossy };
}

const addresses = new Map<string, { readonly origin: string; readonly pathPrefix: string }>();

/** Endpoints are few and parsing one costs as much as the rest of routing, so each is parsed once. */
export function addressOf(endpoint: string): { readonly origin: string; readonly pathPrefix: string } {
  const known = addresses.get(endpoint);
  if (known !== undefined) return known;
  if (addresses.size > 1_000) addresses.clear(); // after as many changes of address
  const url = new URL(endpoint);
  const address = { origin: url.origin, pathPrefix: url.pathname === "/" ? "" : url.pathname };
  addresses.set(endpoint, address);
  return address;
}
