import type { Client } from "@portcullis/client";
import { endpoints, type ImportItem, type ImportReport } from "@portcullis/contract";
import { importItem } from "@portcullis/contract/schemas";
import { batchesOf } from "./batches.ts";
import { failed, type Candidate, type Finding } from "./finding.ts";
import type { IssuedKeysFile } from "./issued-keys-file.ts";

/** A line of the report. */
export interface Line {
  readonly place: string;
  readonly kind: string;
  readonly name: string;
  readonly outcome: "imported" | "present" | "skipped" | "failed";
  readonly target: string | null;
  readonly reason: string | null;
}

export interface SendOptions {
  readonly source: string;
  readonly dryRun: boolean;
  readonly again: boolean;
  readonly client: Client;
  /** There is one wherever keys can be made. */
  readonly keysFile: IssuedKeysFile | undefined;
  /** Is told each line as soon as it is known, and the position of its finding, so that none is lost if a later part fails. */
  readonly done: (line: Line, position: number) => void;
}

interface Placed extends Candidate {
  readonly position: number;
}

/** Has everything taken over that was found. What cannot be taken at all is a failed line, and the rest goes on. */
export async function sendFindings(findings: readonly Finding[], options: SendOptions): Promise<void> {
  const candidates: Placed[] = [];
  const seen = new Set<string>();
  for (const [position, finding] of findings.entries()) {
    const checked = "item" in finding ? check(finding) : finding;
    if (!("item" in checked)) options.done({ ...checked, target: null }, position);
    else if (isNew(checked.item, seen)) candidates.push({ ...checked, position });
  }
  for (const { repeated, candidates: batch } of batchesOf(candidates)) {
    const report = await send([...repeated, ...batch.map(({ item }) => item)], options);
    for (const [index, candidate] of batch.entries()) {
      const result = report.items[repeated.length + index];
      if (result !== undefined) await keep(result, candidate, options);
    }
  }
}

/** Many models come with the same provider and key. */
function isNew(item: ImportItem, seen: Set<string>): boolean {
  const text = JSON.stringify(item);
  return !seen.has(text) && seen.add(text).has(text);
}

type Result = ImportReport["items"][number];

async function keep(result: Result, candidate: Placed, { keysFile, done }: SendOptions): Promise<void> {
  const { kind, name, outcome, target, reason, key } = result;
  if (key !== undefined) await keysFile?.add(issuedKey(key, target, candidate));
  done({ place: candidate.place, kind, name, outcome, target, reason }, candidate.position);
}

function send(items: readonly ImportItem[], { client, source, dryRun, again }: SendOptions): Promise<ImportReport> {
  return client.call(endpoints.imports.run, { input: { source, items: [...items], dry_run: dryRun, again } });
}

/** What the API would refuse whole, with all that is sent together with it, is found here and left alone. */
function check(candidate: Candidate): Finding {
  const result = importItem.safeParse(candidate.item);
  if (result.success) return candidate;
  const problems = result.error.issues.map(({ path, message }) => `\`${path.map(String).join(".")}\` ${message}`);
  return failed(candidate.place, candidate.item.kind, nameOf(candidate.item), problems.join("; "));
}

function nameOf(item: ImportItem): string {
  switch (item.kind) {
    case "provider":
      return item.id;
    case "model":
    case "secret":
      return item.name;
    case "credential":
      return item.label ?? item.variable ?? item.provider ?? "";
    case "key":
      return item.description ?? item.user ?? "";
  }
}

function issuedKey(key: string, id: string | null, { place, item }: Candidate): object {
  if (item.kind !== "key") return { id, key, place };
  const { user, team, service, description, source_id } = item;
  return { id, key, place, user, team, service, description, source_sha256: source_id };
}
