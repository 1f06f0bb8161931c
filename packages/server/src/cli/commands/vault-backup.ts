import { endpoints } from "@portcullis/contract";
import { argument, flag, leaf, list, text, wrongUsage, type CommandContext } from "../command.ts";
import { connect } from "../gateway.ts";
import type { RestoreReport } from "../parts.ts";
import { readNewSecret, readSecret } from "../secret-input.ts";

export const backup = leaf({
  parameters: {
    file: argument("<file>", "the file to write"),
    recipients: list("--recipient <age1…>", "who can open it; may be repeated"),
    recipientsFile: text("--recipients-file <file>", "a file with a recipient on each line"),
    fromEnv: text("--from-env <name>", "read the passphrase from this environment variable"),
    replace: flag("--replace", "replace the file if it exists"),
  },
  examples: [
    "portcullis vault backup portcullis.age",
    "portcullis vault backup portcullis.age --recipients-file recipients.txt --replace",
  ],
  async run(context, { file, recipients = [], recipientsFile, fromEnv, replace }) {
    const backups = await context.parts.backups({ home: context.globals.home, config: undefined });
    const written = await backups.save(file, { replace }, async () => {
      const fromFile = recipientsFile === undefined ? [] : await backups.recipients(recipientsFile);
      const input = await holders(context, [...recipients, ...fromFile], fromEnv);
      const client = await connect(context);
      return client.call(endpoints.backups.make, { input });
    });
    context.show(written, () => context.output.line(`wrote ${written.bytes} bytes to ${written.file}`));
  },
});

async function holders(context: CommandContext, recipients: readonly string[], fromEnv: string | undefined) {
  if (recipients.length === 0) return { passphrase: await readNewSecret(context, "passphrase of the backup", fromEnv) };
  if (fromEnv === undefined) return { recipients: [...recipients] };
  throw wrongUsage("a backup is made for recipients or with a passphrase, not both", "leave one of them out");
}

export const restore = leaf({
  parameters: {
    file: argument("<file>", "the backup"),
    identity: text("--identity <file>", "a file with the age identity of a recipient"),
    fromEnv: text("--from-env <name>", "read the passphrase from this environment variable"),
    dryRun: flag("--dry-run", "try everything, and leave nothing"),
    config: text("--config <file>", "the configuration file (portcullis.yaml here or in the home)"),
  },
  examples: [
    "portcullis vault restore portcullis.age --dry-run",
    "portcullis vault restore portcullis.age --home /srv/portcullis --identity key.txt",
  ],
  async run(context, { file, identity, fromEnv, dryRun, config }) {
    const report = await (await context.parts.backups({ home: context.globals.home, config })).restore({
      file,
      dryRun,
      identityFile: identity,
      passphrase: () => readSecret(context, "passphrase of the backup", fromEnv),
    });
    context.show(report, () => showReport(context, report, dryRun));
  },
});

function showReport({ output }: CommandContext, report: RestoreReport, dryRun: boolean): void {
  const { header, rows, vault, newSlot } = report;
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  output.record({
    made: `${header.made_at} by Portcullis ${header.product} on ${header.engine}`,
    schema: header.schema,
    rows: `${total} in ${Object.keys(rows).length} tables, as many as there should be`,
    "secrets that open": vault.opened,
    "secrets that do not open": vault.unreadable.join(", ") || "none",
    "unlock slots kept": vault.keptSlots.join(", ") || "none",
    "unlock slots left out": vault.droppedSlots.join(", ") || "none",
    "unlock slot made": newSlot ?? "none",
    "restored to": dryRun ? "nowhere: this was a rehearsal" : report.target,
  });
}
