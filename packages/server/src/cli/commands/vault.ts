import { endpoints, type VaultSlot } from "@portcullis/contract";
import { argument, flag, leaf, text, wrongUsage, type CommandContext, type Group } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { connect } from "../gateway.ts";
import { readNewSecret, readSecret } from "../secret-input.ts";
import { dayAndTime } from "../table.ts";
import { showVaultStatus as showStatus } from "../vault-status.ts";

const status = leaf({
  parameters: {},
  examples: ["portcullis vault status"],
  async run(context) {
    const client = await connect(context);
    showStatus(context, await client.call(endpoints.vault.status));
  },
});

const seal = leaf({
  parameters: { yes: flag("--yes", "do not ask") },
  examples: ["portcullis vault seal --yes"],
  async run(context, { yes }) {
    await confirm(context, "seal the vault? requests will be refused until it is unsealed", yes);
    const client = await connect(context);
    showStatus(context, await client.call(endpoints.vault.seal));
  },
});

const unseal = leaf({
  parameters: {
    auto: flag("--auto", "with the slots that need nobody, such as the key file"),
    rootKey: flag("--root-key", "with the root key itself instead of a passphrase"),
    fromEnv: text("--from-env <name>", "read the passphrase or root key from this environment variable"),
  },
  examples: ["portcullis vault unseal", "portcullis vault unseal --from-env VAULT_PASSPHRASE"],
  async run(context, { auto, rootKey, fromEnv }) {
    if (auto && (rootKey || fromEnv !== undefined))
      throw wrongUsage("--auto takes no secret", "leave out --root-key and --from-env");
    const client = await connect(context);
    const input = auto ? {} : await readUnlock(context, rootKey, fromEnv);
    showStatus(context, await client.call(endpoints.vault.unseal, { input }));
  },
});

const listSlots = leaf({
  parameters: {},
  examples: ["portcullis vault slots list"],
  async run(context) {
    const client = await connect(context);
    const found = await client.call(endpoints.vault.listSlots);
    context.show(found, () =>
      context.output.table(
        [
          { heading: "ID", value: (row: VaultSlot) => row.id },
          { heading: "KIND", value: (row) => row.kind },
          { heading: "LABEL", value: (row) => row.label },
          { heading: "MADE", value: (row) => dayAndTime(row.created_at) },
        ],
        found.data,
      ),
    );
  },
});

const addSlot = leaf({
  parameters: {
    kind: argument("<kind>", "passphrase, environment, key-file, key-ring, transit or aws-kms"),
    label: text("--label <text>", "a name to tell it by"),
    fromEnv: text("--from-env <name>", "read the passphrase or key from this environment variable"),
  },
  examples: [
    "portcullis vault slots add passphrase --label office",
    "portcullis vault slots add environment --from-env NEW_ROOT_KEY",
    "portcullis vault slots add key-ring",
  ],
  async run(context, { kind, label, fromEnv }) {
    const input = await slotInput(context, kind, fromEnv);
    const client = await connect(context);
    const slot = await client.call(endpoints.vault.addSlot, { input: { ...input, label } });
    context.show(slot, () =>
      context.output.record({ id: slot.id, kind: slot.kind, label: slot.label, made: dayAndTime(slot.created_at) }),
    );
  },
});

const removeSlot = leaf({
  parameters: { id: argument("<id>", "the slot's id"), yes: flag("--yes", "do not ask") },
  examples: ["portcullis vault slots remove slot_01jd --yes"],
  async run(context, { id, yes }) {
    await confirm(context, `remove the slot ${id}? it will no longer unlock the vault`, yes);
    const client = await connect(context);
    await client.call(endpoints.vault.removeSlot, { params: { id } });
    context.show({ id, removed: true }, () => context.output.line(`removed ${id}`));
  },
});

const slots: Group = {
  commands: [
    { name: "list", summary: "list the ways to unlock the vault", load: () => listSlots },
    { name: "add", summary: "add a way to unlock the vault", load: () => addSlot },
    { name: "remove", summary: "remove a way to unlock the vault", load: () => removeSlot },
  ],
};

export const vault: Group = {
  commands: [
    { name: "status", summary: "say whether the vault is sealed", load: () => status },
    { name: "seal", summary: "seal the vault", load: () => seal },
    { name: "unseal", summary: "unseal the vault", load: () => unseal },
    {
      name: "import",
      summary: "take over keys and providers from elsewhere",
      load: async () => (await import("./vault-import.ts")).vaultImport,
    },
    {
      name: "backup",
      summary: "back up the database and the vault",
      load: async () => (await import("./vault-backup.ts")).backup,
    },
    {
      name: "restore",
      summary: "restore a backup into an empty home",
      load: async () => (await import("./vault-backup.ts")).restore,
    },
    { name: "slots", summary: "the ways to unlock the vault", load: () => slots },
    {
      name: "rotate",
      summary: "replace the keys that values are sealed under",
      load: async () => (await import("./vault-rotate.ts")).rotate,
    },
    {
      name: "move",
      summary: "move the vault from the database to a file, or back",
      load: async () => (await import("./vault-rotate.ts")).move,
    },
  ],
};

/** The secret, if the kind has one, is asked for before the gateway is. */
async function slotInput(context: CommandContext, kind: string, fromEnv: string | undefined) {
  switch (kind) {
    case "passphrase":
      return { kind, passphrase: await readNewSecret(context, "new passphrase", fromEnv) } as const;
    case "environment":
      return {
        kind,
        root_key: await readSecret(context, "root key, as PORTCULLIS_ROOT_KEY will be", fromEnv),
      } as const;
    case "key-file":
    case "key-ring":
    case "transit":
    case "aws-kms":
      if (fromEnv !== undefined) throw wrongUsage(`a slot of the kind ${kind} takes no secret`, "leave out --from-env");
      return { kind } as const;
    default:
      throw wrongUsage(
        `\`${kind}\` is no kind of slot`,
        "take passphrase, environment, key-file, key-ring, transit or aws-kms",
      );
  }
}

async function readUnlock(context: CommandContext, rootKey: boolean, fromEnv: string | undefined) {
  if (rootKey) return { root_key: await readSecret(context, "root key", fromEnv) };
  return { passphrase: await readSecret(context, "passphrase", fromEnv) };
}
