import type { Secret } from "../kernel/secret.ts";
import type { CredentialRecord } from "./credential-records.ts";
import type { Provider } from "./live-provider.ts";

/**
 * What can be said of a credential now, the gravest first:
 *
 *   disabled      by an admin
 *   expired       its time is over
 *   wrong_origin  its provider's address is not the one that the key was given for; it is not used until given again
 *   sealed        the vault is
 *   unreadable    its sealed record was edited, moved or damaged, or is missing
 *   source_failed what its reference names could not be read, and no earlier value is at hand
 *   refused       the provider refused it in traffic since it was last tested or accepted
 *   failing       several scheduled tests in a row failed
 *   rolled_back   usable: the key before the last rotation, whose own key the provider refused
 *   usable
 *
 * The first four are not used at all. Of the others, those that may not work are used when nothing better is there.
 */
export type CredentialState =
  | "disabled"
  | "expired"
  | "wrong_origin"
  | "sealed"
  | "unreadable"
  | "source_failed"
  | "refused"
  | "failing"
  | "rolled_back"
  | "usable";

/** What its row and its provider say. */
export function standingOf(
  record: CredentialRecord,
  provider: Provider,
  now: number,
): "disabled" | "expired" | "wrong_origin" | "failing" | "rolled_back" | "usable" {
  if (record.status === "disabled") return "disabled";
  if (record.expiresAt !== null && record.expiresAt <= now) return "expired";
  if (!record.origins.includes(provider.origin)) return "wrong_origin";
  return record.status === "failing" || record.status === "rolled_back" ? record.status : "usable";
}

/** Whether a request may be sent with it, as far as the row tells. */
export function mayBeUsed(record: CredentialRecord, provider: Provider, now: number): boolean {
  if (record.status === "disabled" || !record.origins.includes(provider.origin)) return false;
  return record.expiresAt === null || record.expiresAt > now;
}

/** Kinds of source in which a key of the configuration may lie, beside files and variables, which are read at the start. */
const inSource = /^(?:vault|aws|gcp|azure|op):/;

/**
 * The record of a key that the environment or the configuration brings: from one of the provider's variables, from a
 * file, or from a source that is asked when it is used. Its label is the name it has in `environment`, or the reference
 * itself; its id, which callers see, tells no path.
 */
export function fromEnvironment(
  provider: Provider,
  environment: ReadonlyMap<string, Secret>,
  since: number,
): CredentialRecord | undefined {
  const name = provider.env.find((each) => environment.has(each) || inSource.test(each));
  if (name === undefined) return undefined;
  return {
    id: idOf(name, provider),
    providerId: provider.id,
    source: "environment",
    label: name,
    weight: 1,
    priority: 0,
    status: "active",
    lastFour: environment.get(name)?.lastFour ?? "",
    origins: [provider.origin],
    reference: inSource.test(name) ? name : null,
    expiresAt: null,
    testedAt: null,
    testOk: null,
    testError: null,
    createdAt: since,
    updatedAt: since,
  };
}

function idOf(name: string, provider: Provider): string {
  if (inSource.test(name)) return `source:${provider.id}`;
  return name.startsWith("file:") ? `file:${provider.id}` : `env:${name}`;
}
