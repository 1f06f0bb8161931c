import type { Caller } from "../../identity/index.ts";
import type { Provider, ProviderModel, Providers } from "../../providers/index.ts";
import { formatModelAt, leadsTo, type Route, type Routing } from "../../routing/index.ts";

export interface ModelListParts {
  readonly providers: Providers;
  readonly isUsable: (provider: Provider) => boolean;
  readonly routing: Routing;
}

/** A model that a caller may use. */
export interface Listed {
  /** What a caller asks for: the name of a route, `provider/model`, or the bare id. */
  readonly id: string;
  /** Of a route, the model that it leads to, under a name for people that says so. */
  readonly entry: ProviderModel;
  readonly isRoute: boolean;
}

type Prefers = (model: string) => boolean;

/**
 * What this caller may use now, from providers that can be called: first the routes, then every model as `provider/model`, but
 * for those that `prefersBare` picks: they get their bare id where that means this model and no other.
 */
export function modelsFor(
  caller: Caller,
  parts: ModelListParts,
  prefersBare: Prefers = () => false,
): readonly Listed[] {
  const { routes } = parts.routing;
  const named = routes.list().filter(({ name }) => !name.includes("*"));
  return [
    ...named.flatMap((route) => routeFor(caller, route, route.name, parts) ?? []),
    ...ownModels(caller, parts, prefersBare),
  ];
}

function ownModels(caller: Caller, parts: ModelListParts, prefersBare: Prefers): readonly Listed[] {
  const usable = parts.providers.list().filter(parts.isUsable);
  const ids = new Set(usable.map((provider) => provider.id));
  const isOnly = (model: string): boolean =>
    parts.routing.routes.match(model) === undefined &&
    parts.providers.models.providersOf(model).filter((id) => ids.has(id)).length === 1;
  return usable
    .flatMap((provider) => parts.providers.models.list(provider.id))
    .filter((entry) => caller.allowsModel(entry.provider, entry.model))
    .map((entry) => {
      const alone = prefersBare(entry.model) && isOnly(entry.model);
      return { id: alone ? entry.model : formatModelAt(entry), entry, isRoute: false };
    });
}

/** A route as it is found by this name, if its model can be called and the caller may use it. */
function routeFor(caller: Caller, route: Route, name: string, parts: ModelListParts): Listed | undefined {
  const { target } = leadsTo(route, { model: name, thinking: () => false });
  const provider = parts.providers.get(target.provider);
  if (provider === undefined || !parts.isUsable(provider)) return undefined;
  if (!caller.allowsModel(target.provider, target.model)) return undefined;
  const known = parts.providers.models.lookup(target.provider, target.model) ?? unknownModel(target);
  const shown = `${route.displayName ?? name} (→ ${formatModelAt(target)})`;
  return { id: name, entry: { ...known, name: shown }, isRoute: true };
}

/** One that may exist all the same. */
function unknownModel(at: { readonly provider: string; readonly model: string }): ProviderModel {
  return {
    ...at,
    id: formatModelAt(at),
    name: at.model,
    source: "custom",
    price: undefined,
    contextTokens: undefined,
    maxOutputTokens: undefined,
    createdAt: undefined,
    catalog: undefined,
  };
}

/**
 * What a request for this name may mean: `provider/model` first, then a route, whose name may be a pattern, then the bare id,
 * which may have slashes of its own.
 */
export function listedAs(name: string, caller: Caller, parts: ModelListParts, prefersBare: Prefers): readonly Listed[] {
  const own = ownModels(caller, parts, prefersBare);
  const whole = own.filter(({ entry }) => formatModelAt(entry) === name);
  if (whole.length > 0) return whole;
  const isElsewhere = parts.providers.get(name.slice(0, Math.max(0, name.indexOf("/")))) !== undefined;
  const route = isElsewhere ? undefined : parts.routing.routes.match(name);
  if (route === undefined) return own.filter(({ entry }) => entry.model === name);
  const listed = routeFor(caller, route, name, parts);
  return listed === undefined ? [] : [listed];
}

/** When the model was published; 0 where that is not known. Milliseconds since 1970. */
export function releasedMs(entry: ProviderModel): number {
  const parsed = Date.parse(entry.catalog?.released ?? "");
  return Number.isNaN(parsed) ? 0 : parsed;
}
