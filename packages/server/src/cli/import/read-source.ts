import { basename } from "node:path";
import { isClaudeCodeRouter, readClaudeCodeRouter } from "./claude-code-router.ts";
import { detectText } from "./detect.ts";
import { readDotenv } from "./dotenv.ts";
import { readEnvironment } from "./environment.ts";
import { fernetEntriesOf, readFernetEntries, readFernetFile } from "./fernet-source.ts";
import { looksLikeFernet } from "./fernet.ts";
import { mostFindings, type Finding, type ReaderContext, type SourceKind } from "./finding.ts";
import { keyRecordsOf, readKeyRecords } from "./key-file.ts";
import { isLitellm, readLitellm } from "./litellm.ts";
import { isOneApi, readOneApi } from "./one-api.ts";
import { parseRelaxedJson } from "./relaxed-json.ts";
import { readSourceFile, unreadable } from "./source-file.ts";
import { openSqliteFile, type SqliteFile } from "./sqlite-file.ts";
import { parseYamlText } from "./yaml-text.ts";

/** Where in a SQLite file the tokens of secrets are. */
export interface TokenColumn {
  readonly table: string;
  readonly column: string;
  /** The column with the secrets' names; without it they are numbered. */
  readonly nameColumn: string | undefined;
}

export interface SourceOptions {
  /** A path, or `env`: the environment. */
  readonly source: string;
  /** What it is; found out by its content unless given. */
  readonly kind: SourceKind | undefined;
  readonly tokens: TokenColumn | undefined;
  readonly context: ReaderContext;
  /** Asked for only if there is something to open. */
  readonly fernetKeys: () => Promise<readonly Buffer[]>;
}

export interface SourceContent {
  readonly kind: SourceKind;
  readonly findings: readonly Finding[];
}

/** Throws `import_unreadable` for a source that is none, as a whole. */
export async function readSource(options: SourceOptions): Promise<SourceContent> {
  const content = await read(options);
  if (content.findings.length > mostFindings) {
    throw unreadable(options.source, `it holds more than ${mostFindings} things`, "import a part of it");
  }
  return content;
}

async function read(options: SourceOptions): Promise<SourceContent> {
  const { source, kind, context } = options;
  if (kind === "env" || (kind === undefined && source === "env")) {
    return { kind: "env", findings: readEnvironment(context) };
  }
  const file = await readSourceFile(source);
  return file.form === "sqlite" ? readSqlite(options) : readText(file.text, options);
}

async function readSqlite(options: SourceOptions): Promise<SourceContent> {
  const { source, kind, tokens } = options;
  const file = openSqliteFile(source);
  try {
    if (tokens !== undefined) return await readTokenColumn(file, tokens, options);
    if ((kind === undefined || kind === "one-api") && isOneApi(file)) {
      return { kind: "one-api", findings: readOneApi(file) };
    }
  } finally {
    file.close();
  }
  const advice = "for Fernet tokens, say where they are with --table, --column and --name-column";
  throw unreadable(source, "it is a SQLite database, but not one of one-api or new-api", advice);
}

async function readTokenColumn(
  file: SqliteFile,
  { table, column, nameColumn }: TokenColumn,
  { source, context, fernetKeys }: SourceOptions,
): Promise<SourceContent> {
  const columns = file.columns(table);
  if (!file.tables.has(table)) throw unreadable(source, `it has no table \`${table}\``, "check --table");
  for (const name of [column, nameColumn].filter((each) => each !== undefined)) {
    if (!columns.has(name))
      throw unreadable(source, `its table \`${table}\` has no column \`${name}\``, "check --column");
  }
  const rows = file.rows(table, nameColumn === undefined ? [column] : [column, nameColumn]);
  const entries = rows.flatMap((row, index) => {
    const token = textOfCell(row[column]);
    const name = nameColumn === undefined ? undefined : textOfCell(row[nameColumn]);
    return token === "" ? [] : [{ place: `row ${index + 1}`, name: name || `${table}_${index + 1}`, token }];
  });
  return { kind: "fernet", findings: readFernetEntries(entries, await fernetKeys(), context) };
}

/** Libraries store tokens as text or as bytes. */
function textOfCell(cell: unknown): string {
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString("latin1");
  return typeof cell === "string" || typeof cell === "bigint" ? String(cell) : "";
}

async function readText(text: string, options: SourceOptions): Promise<SourceContent> {
  const { source } = options;
  const kind = options.kind ?? detectText(text);
  if (kind === undefined) {
    const advice = "say what it is with --kind; see the command's --help";
    throw unreadable(source, "it is of no kind that is known", advice);
  }
  const findings = await readTextOf(kind, text, options);
  if (findings === undefined) throw unreadable(source, `it is no ${kind} file`, "check --kind, or leave it out");
  return { kind, findings };
}

/** `undefined` for a text that is not of that kind. */
async function readTextOf(
  kind: SourceKind,
  text: string,
  options: SourceOptions,
): Promise<readonly Finding[] | undefined> {
  const { source, context } = options;
  switch (kind) {
    case "dotenv":
      return readDotenv(text, context);
    case "fernet":
      return readFernet(text, options);
    case "key-file": {
      const records = keyRecordsOf(parseRelaxedJson(text)?.content);
      return records && readKeyRecords(records);
    }
    case "litellm": {
      const yaml = parseYamlText(text);
      if ("problem" in yaml) throw unreadable(source, yaml.problem, "mend it, or check --kind");
      return isLitellm(yaml.content) ? readLitellm(yaml, context) : undefined;
    }
    case "claude-code-router": {
      const content = parseRelaxedJson(text)?.content;
      return isClaudeCodeRouter(content) ? readClaudeCodeRouter(content, context) : undefined;
    }
    case "env":
    case "one-api":
      return undefined;
  }
}

async function readFernet(text: string, options: SourceOptions): Promise<readonly Finding[] | undefined> {
  const { source, context, fernetKeys } = options;
  if (looksLikeFernet(text)) {
    const name = basename(source).replace(/\.[^.]+$/, "");
    return readFernetFile(text, name, await fernetKeys(), context);
  }
  const entries = fernetEntriesOf(parseRelaxedJson(text)?.content);
  return entries && readFernetEntries(entries, await fernetKeys(), context);
}
