import { columnAdder, tableCreator } from "./columns.ts";
import type { Migration } from "./migration.ts";

/**
 * Keys of the vault that outlast its root key, the vault's own state, and under which version of the pepper the secret of
 * a caller's key was hashed (0: the one that the first root key gives).
 */
export const vaultKeys: Migration = {
  number: 4,
  name: "vault-keys",
  async up(transaction, { engine }) {
    const create = tableCreator(transaction, engine);
    const key = { purpose: "text", version: "integer", wrapped: "bytes", created_at: "int64" } as const;
    await create("vault_named_keys", key, { primaryKey: ["purpose", "version"] });
    await create("vault_state", { name: "text", value: "text" }, { primaryKey: ["name"] });
    const add = columnAdder(transaction, engine);
    await add("keys", "pepper_version", "integer");
    await add("keys", "previous_pepper_version", "integer");
  },
};
