import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@portcullis/client";
import { endpoints, type VaultSlot } from "@portcullis/contract";
import { argument, flag, leaf, list, text, wrongUsage, type CommandContext } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { connect } from "../gateway.ts";
import { readSecret } from "../secret-input.ts";
import { showVaultStatus } from "../vault-status.ts";

const pollMs = 200;

/** The keys that can be replaced, and what that means. */
const questions = {
  kek: "begin a new key for sealed values? those there are re-wrapped in the background",
  token: "begin a new pepper for callers' keys? each key moves to it when it is used next",
  root: "make a new root key, and a slot for each present one?",
} as const;

export const rotate = leaf({
  parameters: {
    what: argument("<what>", "kek: what values are sealed under; token: what callers' keys are hashed with; root"),
    wait: flag("--wait", "kek: return when everything is under the new key"),
    confirm: flag("--confirm", "root: put the staged root key in force"),
    cancel: flag("--cancel", "root: give the staged root key up"),
    drop: list("--drop <slot...>", "root: slots that are to end with the present root key"),
    fromEnv: text("--from-env <name>", "root: read the passphrase from this environment variable"),
    yes: flag("--yes", "do not ask"),
  },
  examples: [
    "portcullis vault rotate kek --yes --wait",
    "portcullis vault rotate root",
    "portcullis vault rotate root --confirm",
  ],
  async run(context, given) {
    const { what } = given;
    if (what === "root") return rotateRoot(context, given);
    if (what !== "kek" && what !== "token")
      throw wrongUsage(`\`${what}\` is no key that is rotated`, "take kek, token or root");
    await confirm(context, questions[what], given.yes);
    const client = await connect(context);
    const begun = await client.call(endpoints.vault.rotate, { input: { kind: what } });
    showVaultStatus(context, given.wait ? await untilRewrapped(client) : begun);
  },
});

export const move = leaf({
  parameters: { to: argument("<store>", "database or file"), yes: flag("--yes", "do not ask") },
  examples: ["portcullis vault move file", "portcullis vault move database --yes"],
  async run(context, { to, yes }) {
    if (to !== "database" && to !== "file")
      throw wrongUsage(`\`${to}\` is no place for a vault`, "take database or file");
    await confirm(
      context,
      `move the vault to ${to === "file" ? "the file vault.json of the home" : "the database"}?`,
      yes,
    );
    const client = await connect(context);
    const moved = await client.call(endpoints.vault.move, { input: { to } });
    context.show(moved, () => context.output.line(`${moved.records} values now lie in the ${moved.store}`));
  },
});

interface RootOptions {
  readonly confirm: boolean;
  readonly cancel: boolean;
  readonly drop: readonly string[] | undefined;
  readonly fromEnv: string | undefined;
  readonly yes: boolean;
}

async function rotateRoot(context: CommandContext, options: RootOptions): Promise<void> {
  if (options.confirm && options.cancel) throw wrongUsage("--confirm and --cancel exclude each other", "take one");
  const client = await connect(context);
  if (options.cancel) {
    await client.call(endpoints.vault.cancelRoot);
    return showVaultStatus(context, await client.call(endpoints.vault.status));
  }
  if (options.confirm) {
    const staged = (await client.call(endpoints.vault.status)).staged_slots ?? [];
    await confirm(context, "put the staged root key in force? the present one's slots end then", options.yes);
    const secrets = await secretsOf(context, someonesAlone(staged), options.fromEnv);
    return showVaultStatus(context, await client.call(endpoints.vault.confirmRoot, { input: { secrets } }));
  }
  await confirm(context, questions.root, options.yes);
  const drop = [...(options.drop ?? [])];
  const { data } = await client.call(endpoints.vault.listSlots);
  const secrets = await secretsOf(
    context,
    data.filter(({ id, kind }) => kind === "passphrase" && !drop.includes(id)),
    options.fromEnv,
  );
  showVaultStatus(context, await client.call(endpoints.vault.stageRoot, { input: { secrets, drop } }));
  context.output.note("the present root key is in force until `portcullis vault rotate root --confirm`");
}

/** Where every slot needs somebody, one of them is asked for; else the gateway opens one by itself. */
function someonesAlone(slots: readonly VaultSlot[]): readonly VaultSlot[] {
  return slots.every(({ kind }) => kind === "passphrase") ? slots.slice(0, 1) : [];
}

async function secretsOf(context: CommandContext, slots: readonly VaultSlot[], fromEnv: string | undefined) {
  const secrets: Record<string, { readonly passphrase: string }> = {};
  for (const { id, label } of slots) {
    secrets[id] = { passphrase: await readSecret(context, `passphrase of the slot ${label} (${id})`, fromEnv) };
  }
  return secrets;
}

async function untilRewrapped(client: Client) {
  for (;;) {
    const found = await client.call(endpoints.vault.status);
    if (found.rotation === null || found.rotation.problem !== null) return found;
    await sleep(pollMs);
  }
}
