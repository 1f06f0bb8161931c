import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { RecordRef, Vault } from "../vault/index.ts";
import { sameValue } from "./fingerprint.ts";
import type { SecretItem } from "./item.ts";
import { Refused, type Plan } from "./plan.ts";
import type { Run } from "./run.ts";

/** Where the vault keeps a named secret. */
export function secretRef(name: string): RecordRef {
  return { type: "secret", id: name, field: "value" };
}

/** A secret of the same name with another value stays as it is: what is here may be newer. */
export async function planSecret({ name, value }: SecretItem, run: Run): Promise<Plan> {
  const { vault, fingerprints, plannedSecrets } = run;
  const digest = fingerprints.ofValue(value);
  const present = await openSecret(secretRef(name), vault);
  const held = present === undefined ? plannedSecrets.get(name) : fingerprints.ofValue(present);
  if (held !== undefined && sameValue(held, digest)) return { present: name };
  if (held !== undefined) throw new Refused("skipped", "there is a secret of this name with another value");
  return {
    apply: async () => {
      await vault.put(secretRef(name), value, []);
      return { target: name };
    },
    foresee: () => void plannedSecrets.set(name, digest),
  };
}

/** `undefined` if there is none. Throws `Refused` for one that is damaged. */
export async function openSecret(ref: RecordRef, vault: Pick<Vault, "get">): Promise<Secret | undefined> {
  try {
    return await vault.get(ref);
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return undefined;
    if (error instanceof AppError && error.code === "vault_record_unreadable") {
      throw new Refused("failed", "there is a secret of this name that cannot be opened");
    }
    throw error;
  }
}
