import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Db } from "../db/index.ts";
import type { LogFields, Log } from "../kernel/log.ts";
import { noTokens } from "../kernel/tokens.ts";
import { createLedger } from "./ledger.ts";
import { valuesOf } from "./line.ts";
import { finalRow, interruptedRow, type EndRecord, type StartRecord } from "./record.ts";
import type { OpenRequest } from "./segment.ts";
import type { Usage } from "./usage.ts";

/** A request as Claude Code makes it. */
export function startOf(requestId: string, changes: Partial<StartRecord> = {}): StartRecord {
  return {
    requestId,
    startedAt: Date.UTC(2026, 0, 1),
    keyId: "key_01jc5x8m3k2v7n4q9w1z6y0abc",
    userName: "ada@example.org",
    team: "platform",
    service: null,
    sessionId: "3b2f0a1c-7f6e-4c1e-9b1d-0c7a6f5e4d3c",
    agentId: null,
    route: "/v1/messages",
    dialect: "anthropic-messages",
    provider: "anthropic",
    credentialId: "cred_01jc5x8m3k2v7n4q9w1z6y0abc",
    requestedModel: "claude-sonnet-4-5",
    model: "claude-sonnet-4-5-20250929",
    stream: true,
    requestBytes: 20_345,
    estimatedInput: 5_086,
    floorCostMicros: 15_258,
    ...changes,
  };
}

export function endOf(requestId: string, changes: Partial<EndRecord> = {}): EndRecord {
  return {
    requestId,
    endedAt: Date.UTC(2026, 0, 1) + 1_234,
    provider: "anthropic",
    credentialId: "cred_01jc5x8m3k2v7n4q9w1z6y0abc",
    model: "claude-sonnet-4-5-20250929",
    status: 200,
    outcome: "ok",
    errorCode: null,
    usageSource: "reported",
    tokens: { ...noTokens, input: 5_100, output: 300, cacheRead: 1_000 },
    costMicros: 20_100,
    latencyMs: 1_234.4,
    firstByteMs: 300.6,
    responseBytes: 9_999,
    attempts: 1,
    responseId: null,
    upstreamDialect: "anthropic-messages",
    dropped: null,
    ...changes,
  };
}

/** Ends requests by their ids, for tests that start them so. */
export class ById {
  readonly #recorder: Pick<Usage, "start" | "end">;
  readonly #open = new Map<string, OpenRequest>();

  constructor(recorder: Pick<Usage, "start" | "end">) {
    this.#recorder = recorder;
  }

  start(record: StartRecord): void {
    this.#open.set(record.requestId, this.#recorder.start(record));
  }

  end(record: EndRecord): void {
    const request = this.#open.get(record.requestId);
    assert.ok(request, `${record.requestId} was not started`);
    this.#recorder.end(request, record);
  }
}

/** A request's row, settled: ended unless `ended` is missing. */
export async function addRequest(
  db: Db,
  id: string,
  started: Partial<StartRecord>,
  ended?: Partial<EndRecord>,
): Promise<void> {
  const open = interruptedRow(startOf(id, started));
  const { model = null, provider = null } = started;
  const row = ended === undefined ? open : finalRow(open, endOf(id, { model, provider, ...ended }));
  assert.deepEqual(await createLedger(db).settle([valuesOf(row)]), []);
}

export const sampleStart = Date.UTC(2026, 0, 1);

/** Six requests of two keys. */
export async function addSample(db: Db): Promise<void> {
  const tokens = { input: 10, output: 20, cacheRead: 30, cacheWrite: 4, cacheWrite1h: 5, reasoning: 6 };
  const [ada, bob] = [
    { keyId: "key_a", userName: "ada" },
    { keyId: "key_b", userName: null },
  ];
  await addRequest(db, "r1", { ...ada, model: "cheap", startedAt: sampleStart }, { tokens, costMicros: 1_000_000 });
  await addRequest(db, "r2", { ...ada, model: "dear", startedAt: sampleStart + 1 }, { tokens, costMicros: 2_500_000 });
  await addRequest(
    db,
    "r3",
    { ...bob, model: "cheap", startedAt: sampleStart + 2 },
    { tokens, costMicros: 1, outcome: "aborted" },
  );
  await addRequest(
    db,
    "r4",
    { ...bob, model: "free", startedAt: sampleStart + 3 },
    { tokens: noTokens, costMicros: 0 },
  );
  await addRequest(
    db,
    "r5",
    { ...bob, model: "new", startedAt: sampleStart + 3 },
    { tokens, costMicros: null, outcome: "broken" },
  );
  await addRequest(db, "r6", {
    ...ada,
    model: "new",
    startedAt: sampleStart + 4,
    floorCostMicros: null,
    estimatedInput: 7,
  });
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-usage-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The journal files in a directory, oldest first. */
export function segmentsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log") && name !== "rejected.log")
    .sort();
}

/** A log that keeps its lines, for tests that read them or want to see them. */
export function keptLog(): Log & { readonly lines: { level: string; message: string; fields: LogFields }[] } {
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const keep = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, message, fields });
  return { lines, debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
}
