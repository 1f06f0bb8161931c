import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { noTokens } from "../kernel/tokens.ts";
import type { LogFields, Log } from "../kernel/log.ts";
import type { EndRecord, StartRecord } from "./record.ts";

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
    ...changes,
  };
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
