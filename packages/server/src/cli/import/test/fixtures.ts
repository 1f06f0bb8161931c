import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after } from "node:test";
import { isFields, type Fields } from "../fields.ts";
import type { Finding, ReaderContext } from "../finding.ts";

const directory = new URL("../../../../test/fixtures/import/", import.meta.url);

export function fixturePath(name: string): string {
  return new URL(name, directory).pathname;
}

export function fixtureText(name: string): string {
  return readFileSync(fixturePath(name), "utf8");
}

interface FernetFixture {
  readonly key: string;
  readonly older_key: string;
  readonly other_key: string;
  readonly tokens: Readonly<Record<string, { readonly token: string; readonly opens_to: string | null }>>;
  readonly whole_file: string;
}

/** Tokens made by Python's `cryptography`. */
export const fernet = JSON.parse(fixtureText("fernet.json")) as FernetFixture;

export const context: ReaderContext = {
  environment: {},
  keyVariables: ["ANTHROPIC_API_KEY", "COHERE_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY"].concat([
    "MISTRAL_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "XAI_API_KEY",
  ]),
  keepSecrets: false,
};

let temporary: string | undefined;
after(() => {
  if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
});

export function temporaryPath(name: string): string {
  temporary ??= mkdtempSync(join(tmpdir(), "portcullis-import-"));
  return join(temporary, name);
}

export function temporaryFile(name: string, content: string | Uint8Array): string {
  const path = temporaryPath(name);
  writeFileSync(path, content);
  return path;
}

/** A database made of SQL, closed. */
export function sqliteFile(name: string, sql: string): string {
  const path = temporaryPath(name);
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
  return path;
}

/** Items as `kind` and the fields that tell them apart, left things as `outcome kind name`. */
export function summarise(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) =>
    "item" in finding
      ? `${finding.place}: ${describe(finding.item)}`
      : `${finding.place}: ${finding.outcome} ${finding.kind} ${finding.name}`,
  );
}

function describe(item: unknown): string {
  const { kind, ...fields }: Fields = isFields(item) ? item : {};
  const told = ["id", "provider", "variable", "base_url", "name", "reference", "value", "user", "description"];
  const parts = told.flatMap((name) => (fields[name] === undefined ? [] : [String(fields[name])]));
  return [kind, ...parts].join(" ");
}
