import { dialectsOf, parseBaseUrl, parseDialects } from "../providers/index.ts";
import type { Dialect, ProviderItem } from "./item.ts";
import { Refused, type Plan } from "./plan.ts";
import { atAddress, plannedAt } from "./provider-place.ts";
import type { Run } from "./run.ts";

/** A provider is the same if it is at the same address, whatever it is called. */
export function planProvider(item: ProviderItem, run: Run): Plan {
  const { providers, plannedProviders } = run;
  const dialects = parseDialects(item.dialect && [item.dialect], item.baseUrl, item.allowPrivate);
  const baseUrl = parseBaseUrl(item.baseUrl, { dialects }, item.allowPrivate);
  const present = atAddress(baseUrl, item.id, providers) ?? atAddress(item.baseUrl, item.id, providers);
  if (present !== undefined) return presentAs(present.id, dialectsOf(present), dialects);
  const planned = plannedAt(baseUrl, plannedProviders) ?? plannedAt(item.baseUrl, plannedProviders);
  if (planned !== undefined) return presentAs(planned, plannedProviders.get(planned)?.dialects ?? [], dialects);
  const id = freeId(item.id, run);
  return {
    apply: async () => {
      const { name, allowPrivate } = item;
      const made = await providers.create({ id, name, baseUrl, dialects, allowPrivate });
      return { target: made.id };
    },
    foresee: () => void plannedProviders.set(id, { addresses: [baseUrl, item.baseUrl], dialects }),
    ...reasonOf(item, id),
  };
}

function reasonOf(item: ProviderItem, id: string): { readonly reason?: string } {
  const reasons = [
    ...(id === item.id ? [] : [`called \`${id}\`, because \`${item.id}\` is another provider here`]),
    ...(item.allowPrivate ? ["with `allow_private`, for an address without https or on a network of one's own"] : []),
  ];
  return reasons.length === 0 ? {} : { reason: reasons.join("; ") };
}

/** What is at the address must speak what the source speaks with it. */
function presentAs(id: string, spoken: readonly Dialect[], wanted: readonly Dialect[]): Plan {
  if (wanted.some((dialect) => spoken.includes(dialect))) return { present: id };
  const reason = `\`${id}\` is at this address and speaks ${spoken.join(", ")}, not ${wanted.join(", ")}`;
  throw new Refused("skipped", reason);
}

const mostOfOneName = 20;

function freeId(wanted: string, { providers, plannedProviders }: Run): string {
  for (let number = 1; number <= mostOfOneName; number++) {
    const ending = number === 1 ? "" : `-${number}`;
    const id = wanted.slice(0, 64 - ending.length) + ending;
    if (providers.get(id) === undefined && !plannedProviders.has(id)) return id;
  }
  throw new Refused("failed", `there are ${mostOfOneName} providers called \`${wanted}\` already`);
}
