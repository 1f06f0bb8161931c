import type { endpoints, HandlersOf, VaultStatus } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";

export function vaultHandlers({ vault }: AdminParts): HandlersOf<(typeof endpoints)["vault"], Call> {
  const status = async (): Promise<VaultStatus> => {
    const { state, slots } = await vault.status();
    return { state, slots: slots.length };
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
      else if ((await vault.start()).how === null) throw new AppError("missing_field", { field: "passphrase" });
      return status();
    },
    listSlots: async () => ({ data: [...(await vault.slots.list())], next_cursor: null }),
    addSlot: async ({ input }) => {
      const label = input.label === undefined ? {} : { label: input.label };
      const secret = input.kind === "passphrase" ? { passphrase: new Secret(input.passphrase) } : {};
      const { id } = await vault.slots.add(input.kind, { ...label, ...secret });
      const added = (await vault.slots.list()).find((slot) => slot.id === id);
      if (added === undefined) throw new AppError("not_found", { what: "slot", id });
      return added;
    },
    removeSlot: async ({ params }) => {
      await vault.slots.remove(params.id);
      return undefined;
    },
  };
}
