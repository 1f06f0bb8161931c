import { Secret } from "../kernel/secret.ts";
import { parseKeyReference } from "../providers/index.ts";
import { isPortcullisKey, sameValue } from "./fingerprint.ts";
import type { CredentialItem } from "./item.ts";
import { Refused, type Plan } from "./plan.ts";
import { findProvider, type Found } from "./provider-place.ts";
import type { Run } from "./run.ts";

/** An API key is the same if the provider has one of the same value, whatever it is called. */
export async function planCredential(item: CredentialItem, run: Run): Promise<Plan> {
  const found = findProvider(item, run.providers, run.plannedProviders);
  if (item.expiresAt !== undefined && item.expiresAt <= run.clock.now()) throw new Refused("skipped", "it has expired");
  return item.key instanceof Secret ? planValue(item, item.key, found, run) : planReference(item, item.key, found, run);
}

async function planValue(item: CredentialItem, key: Secret, { id, live }: Found, run: Run): Promise<Plan> {
  const { providers, fingerprints } = run;
  providers.credentials.requireAddable(key);
  if (isPortcullisKey(key)) throw new Refused("skipped", "it is a key of Portcullis, which no provider knows");
  const held = await run.heldKeys(id, live);
  const digest = fingerprints.ofValue(key);
  const present = held.find((each) => sameValue(each.digest, digest));
  if (present !== undefined) return { present: present.id };
  return {
    apply: async () => {
      const { id: target } = await providers.credentials.add(id, key, settingsOf(item));
      held.push({ id: target, digest });
      return { target };
    },
    foresee: () => void held.push({ id: "", digest }),
  };
}

function settingsOf({ label, weight, priority, expiresAt }: CredentialItem) {
  return { label, weight, priority, expiresAt };
}

function planReference(
  item: CredentialItem,
  { reference }: { readonly reference: string },
  { id, live }: Found,
  { providers, plannedReferences }: Run,
): Plan {
  parseKeyReference(reference);
  const { credentials } = providers;
  const stored = live === undefined ? [] : credentials.list(id);
  const present = stored.find((record) => record.source === "stored" && record.reference === reference);
  const name = `${id} ${reference}`;
  if (present !== undefined || plannedReferences.has(name)) return { present: present?.id ?? "" };
  return {
    apply: async () => ({ target: (await credentials.addReference(id, reference, settingsOf(item))).id }),
    foresee: () => void plannedReferences.add(name),
    reason: `read from \`${reference}\` when it is used`,
  };
}
