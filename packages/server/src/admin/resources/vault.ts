import type { endpoints, HandlersOf, VaultStatus } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Call } from "../app.ts";
import type { UnsealGiven } from "../../vault/index.ts";
import type { AdminParts } from "../parts.ts";

export function vaultHandlers({ vault, vaultStore, keys }: AdminParts): HandlersOf<(typeof endpoints)["vault"], Call> {
  const status = async (): Promise<VaultStatus> => {
    const { slots, staged_slots: staged, cached: _cached, ...found } = await vault.status();
    return {
      ...found,
      slots: slots.length,
      store: vaultStore.kind(),
      staged_slots: staged === null ? null : [...staged],
    };
  };

  return {
    status,
    seal: async () => {
      vault.seal();
      return status();
    },
    unseal: async ({ input }) => {
      if (input.passphrase !== undefined) await vault.unseal({ passphrase: new Secret(input.passphrase) });
      else if (input.root_key !== undefined) await vault.unseal({ rootKey: new Secret(input.root_key) });
      else await unsealByItself(vault);
      return status();
    },
    listSlots: async () => ({ data: [...(await vault.slots.list())], next_cursor: null }),
    addSlot: async ({ input }) => {
      const label = input.label === undefined ? {} : { label: input.label };
      const { id } = await vault.slots.add(input.kind, { ...label, ...secretOf(input) });
      const added = (await vault.slots.list()).find((slot) => slot.id === id);
      if (added === undefined) throw new AppError("not_found", { what: "slot", id });
      return added;
    },
    removeSlot: async ({ params }) => {
      await vault.slots.remove(params.id);
      return undefined;
    },
    rotate: async ({ input }) => {
      if (input.kind === "kek") await vault.rotateKek();
      else await keys.rotatePepper();
      return status();
    },
    stageRoot: async ({ input }) => {
      await vault.stageRoot({ secrets: givenSecrets(input.secrets), drop: input.drop });
      return status();
    },
    confirmRoot: async ({ input }) => {
      await vault.confirmRoot({ secrets: givenSecrets(input.secrets) });
      return status();
    },
    cancelRoot: async () => {
      await vault.cancelRoot();
      return undefined;
    },
    move: async ({ input }) => ({ records: await vaultStore.move(input.to), store: vaultStore.kind() }),
  };
}

/** With the slots that need nobody; what keeps them from opening is the answer. */
async function unsealByItself(vault: AdminParts["vault"]): Promise<void> {
  const { how, problem } = await vault.start();
  if (how === null) throw problem ?? new AppError("missing_field", { field: "passphrase" });
}

type GivenSecret = { readonly passphrase: string } | { readonly root_key: string };

function givenSecrets(secrets: Readonly<Record<string, GivenSecret>> | undefined): Record<string, UnsealGiven> {
  const given = Object.entries(secrets ?? {}).map(([id, secret]) => [
    id,
    "passphrase" in secret ? { passphrase: new Secret(secret.passphrase) } : { rootKey: new Secret(secret.root_key) },
  ]);
  return Object.fromEntries(given);
}

interface SlotInput {
  readonly kind: string;
  readonly passphrase?: string;
  readonly root_key?: string;
}

function secretOf({ passphrase, root_key: rootKey }: SlotInput): { passphrase?: Secret; rootKey?: Secret } {
  if (passphrase !== undefined) return { passphrase: new Secret(passphrase) };
  return rootKey === undefined ? {} : { rootKey: new Secret(rootKey) };
}
