import { AppError } from "../../kernel/errors.ts";
import { withoutKeys } from "../../kernel/key-shapes.ts";
import { argument, flag, leaf, oneOf, text, wrongUsage, type CommandContext } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { connect } from "../gateway.ts";
import { parseFernetKeys } from "../import/fernet.ts";
import { sourceKinds, type Finding } from "../import/finding.ts";
import { createIssuedKeysFile, type IssuedKeysFile } from "../import/issued-keys-file.ts";
import { readSource, type TokenColumn } from "../import/read-source.ts";
import { sendFindings, type Line } from "../import/sending.ts";
import { readSourceFile } from "../import/source-file.ts";
import { readSecret } from "../secret-input.ts";

export const vaultImport = leaf({
  parameters: {
    source: argument("<source>", "the file to read, or `env` for the environment"),
    dryRun: flag("--dry-run", "say what would be imported, and do nothing"),
    kind: oneOf("--kind <kind>", "what the source is, where its content does not tell", sourceKinds),
    keysTo: text("--keys-to <file>", "where new keys of callers are written, in a file that must not exist yet"),
    secrets: flag("--secrets", "of a .env file, keep what no provider takes as secrets too"),
    again: flag("--again", "bring what was imported before and deleted since once more"),
    unlock: text("--unlock <file>", "the file that holds the Fernet key, or several"),
    fromEnv: text("--from-env <name>", "read the Fernet key from this environment variable"),
    table: text("--table <name>", "of a SQLite file, the table with Fernet tokens"),
    column: text("--column <name>", "the column with the tokens"),
    nameColumn: text("--name-column <name>", "the column with the names"),
  },
  examples: [
    "portcullis vault import .env --dry-run",
    "portcullis vault import litellm/config.yaml",
    "portcullis vault import one-api.db --keys-to new-keys.jsonl",
    "portcullis vault import secrets.enc --unlock secrets.key",
  ],
  async run(context, values) {
    const { source, dryRun, again } = values;
    const { kind, findings } = await readSource({
      source,
      kind: values.kind,
      tokens: tokenColumn(values),
      context: {
        environment: context.parts.environment,
        keyVariables: context.parts.configNames.keyVariables,
        keepSecrets: values.secrets,
      },
      fernetKeys: () => readFernetKeys(context, values.unlock, values.fromEnv),
    });
    const client = await connect(context);
    const keysFile = dryRun ? undefined : await keysFileFor(findings, values.keysTo);
    const found: (Line | undefined)[] = findings.map(() => undefined);
    const done = (line: Line, position: number): void => void (found[position] = discreet(line));
    const lines = (): readonly Line[] => found.filter((line) => line !== undefined);
    try {
      await sendFindings(findings, { source: kind, dryRun, again, client, keysFile, done });
    } finally {
      await keysFile?.close();
      showReport(context, { source, kind, dryRun, lines: lines() });
    }
    if (lines().some(({ kind, outcome }) => kind === "key" && outcome === "imported") && !dryRun) {
      context.output.note(`the new keys are in ${values.keysTo ?? ""}; they cannot be shown again`);
    }
    return lines().some(({ outcome }) => outcome === "failed") ? exitCodes.failed : exitCodes.done;
  },
});

/** A source may have a key where a name belongs. */
function discreet(line: Line): Line {
  const { place, name, reason } = line;
  return { ...line, place: withoutKeys(place), name: withoutKeys(name), reason: reason && withoutKeys(reason) };
}

/** Before anything is asked for: a key that cannot be written down would be lost. */
async function keysFileFor(
  findings: readonly Finding[],
  path: string | undefined,
): Promise<IssuedKeysFile | undefined> {
  const hasKeys = findings.some((finding) => "item" in finding && finding.item.kind === "key");
  if (!hasKeys) return undefined;
  if (path !== undefined) return createIssuedKeysFile(path);
  throw wrongUsage("the source holds keys of callers, and new ones are made for them", "say where with --keys-to FILE");
}

function tokenColumn(values: {
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly nameColumn: string | undefined;
}): TokenColumn | undefined {
  const { table, column, nameColumn } = values;
  if (table !== undefined && column !== undefined) return { table, column, nameColumn };
  if (table === undefined && column === undefined && nameColumn === undefined) return undefined;
  throw wrongUsage("--table and --column belong together", "say which table the tokens are in, and which column");
}

async function readFernetKeys(
  context: CommandContext,
  file: string | undefined,
  fromEnv: string | undefined,
): Promise<readonly Buffer[]> {
  const keys = parseFernetKeys(await readFernetKeyText(context, file, fromEnv));
  if (keys !== undefined) return keys;
  throw wrongUsage("this is no Fernet key", "it is 44 characters of base64url, ending in `=`; give it alone");
}

async function readFernetKeyText(
  context: CommandContext,
  file: string | undefined,
  fromEnv: string | undefined,
): Promise<string> {
  if (file === undefined) return readSecret(context, "Fernet key", fromEnv);
  if (fromEnv !== undefined) throw wrongUsage("--unlock and --from-env exclude each other", "leave one of them out");
  const content = await readSourceFile(file);
  if (content.form === "text") return content.text;
  throw new AppError("import_unreadable", { source: file, problem: "it is no key file", advice: "check --unlock" });
}

interface Report {
  readonly source: string;
  readonly kind: string;
  readonly dryRun: boolean;
  readonly lines: readonly Line[];
}

const outcomes = ["imported", "present", "skipped", "failed"] as const;

function showReport({ show, output }: CommandContext, { source, kind, dryRun, lines }: Report): void {
  const counts = outcomes.map((outcome) => [outcome, lines.filter((line) => line.outcome === outcome).length] as const);
  const result = { source, kind, dry_run: dryRun, ...Object.fromEntries(counts), items: lines };
  show(result, () => {
    output.table(
      [
        { heading: "AT", value: (line: Line) => line.place },
        { heading: "WHAT", value: (line) => line.kind },
        { heading: "NAME", value: (line) => line.name },
        { heading: "OUTCOME", value: ({ outcome }) => (dryRun && outcome === "imported" ? "would import" : outcome) },
        { heading: "WHY", value: (line) => line.reason },
      ],
      lines,
    );
    output.line(
      `${kind}: ${counts.map(([outcome, count]) => `${count} ${outcome}`).join(", ")}${dryRun ? " (dry run)" : ""}`,
    );
  });
}
