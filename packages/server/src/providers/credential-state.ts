import type { Secret } from "../kernel/secret.ts";
import type { CredentialRecord } from "./credential-records.ts";
import type { Provider } from "./live-provider.ts";

/** Why a credential is not used. `sealed_elsewhere`: the provider's address changed; `rotate` gives it the key again. */
export type CredentialState = "usable" | "disabled" | "expired" | "sealed_elsewhere";

export function stateOf(record: CredentialRecord, provider: Provider, now: number): CredentialState {
  if (record.status === "disabled") return "disabled";
  if (record.expiresAt !== null && record.expiresAt <= now) return "expired";
  return record.origins.includes(provider.origin) ? "usable" : "sealed_elsewhere";
}

/**
 * The record of a key that came with the start: from one of the provider's variables, or from a file that the
 * configuration names. Its label is the name it has in `environment`; its id, which callers see, tells no path.
 */
export function fromEnvironment(
  provider: Provider,
  environment: ReadonlyMap<string, Secret>,
  since: number,
): CredentialRecord | undefined {
  const variable = provider.env.find((name) => environment.has(name));
  if (variable === undefined) return undefined;
  return {
    id: variable.startsWith("file:") ? `file:${provider.id}` : `env:${variable}`,
    providerId: provider.id,
    source: "environment",
    label: variable,
    weight: 1,
    priority: 0,
    status: "active",
    lastFour: environment.get(variable)?.lastFour ?? "",
    origins: [provider.origin],
    expiresAt: null,
    testedAt: null,
    testOk: null,
    testError: null,
    createdAt: since,
    updatedAt: since,
  };
}
