import type { Provider, Providers } from "../providers/index.ts";
import type { Dialect, Place } from "./item.ts";
import { Refused } from "./plan.ts";

/*
 * A key is never imported for another address than its source used it with: whoever gave it to a proxy of their own
 * does not want it at the vendor, and the other way round. So an item that says an address is matched by that address
 * alone, and one that names a variable is refused where the source turns that variable's provider elsewhere.
 */

/** A provider that an item is for. One that a dry run only would have made has no more than an id. */
export interface Found {
  readonly id: string;
  readonly live: Provider | undefined;
}

/** A provider that a dry run would have made. */
export interface PlannedProvider {
  /** As it would be kept, and as the source writes it. */
  readonly addresses: readonly string[];
  readonly dialects: readonly Dialect[];
}

/** By id. */
export type Planned = ReadonlyMap<string, PlannedProvider>;

/** Throws `Refused`. */
export function findProvider(place: Place, providers: Providers, planned: Planned): Found {
  if (place.variable !== undefined) return byVariable(place.variable, place.baseUrl, providers);
  const id = place.provider ?? "";
  if (place.baseUrl === undefined) {
    const live = providers.get(id);
    if (live === undefined && !planned.has(id)) throw new Refused("failed", `there is no provider \`${id}\``);
    return { id, live };
  }
  const found = atAddress(place.baseUrl, id, providers);
  if (found !== undefined) return { id: found.id, live: found };
  const soon = plannedAt(place.baseUrl, planned);
  if (soon !== undefined) return { id: soon, live: undefined };
  throw new Refused("failed", `there is no provider at ${place.baseUrl}`);
}

/** The provider whose address or one of whose endpoints this is; of several, the one with that id. */
export function atAddress(address: string, id: string, providers: Providers): Provider | undefined {
  const wanted = spell(address);
  const found = providers
    .list()
    .filter(({ baseUrl, endpoints }) => [baseUrl, ...Object.values(endpoints)].some((each) => spell(each) === wanted));
  return found.find((provider) => provider.id === id) ?? found[0];
}

/** The id that the provider at that address would get. */
export function plannedAt(address: string, planned: Planned): string | undefined {
  const wanted = spell(address);
  return [...planned].find(([, { addresses }]) => addresses.some((each) => spell(each) === wanted))?.[0];
}

function byVariable(variable: string, baseUrl: string | undefined, providers: Providers): Found {
  const takers = providers.list().filter(({ env }) => env.includes(variable));
  const live = takers.find(({ custom }) => !custom) ?? takers[0];
  if (live === undefined) throw new Refused("failed", `no provider here takes its key from ${variable}`);
  if (baseUrl !== undefined && originOf(baseUrl) !== originOf(live.baseUrl)) {
    throw new Refused(
      "skipped",
      `the source sends it to ${baseUrl}, not to ${live.id}; add a provider for that address`,
    );
  }
  return { id: live.id, live };
}

function originOf(address: string): string | undefined {
  return spelled(address)?.origin;
}

/** One spelling of each address: no slash at its end, and one name for this machine. */
function spell(address: string): string | undefined {
  const url = spelled(address);
  return url && url.origin + url.pathname.replace(/\/+$/, "");
}

function spelled(address: string): URL | undefined {
  const url = URL.parse(address);
  if (url === null) return undefined;
  if (url.hostname === "localhost" || url.hostname === "[::1]") url.hostname = "127.0.0.1";
  return url;
}
