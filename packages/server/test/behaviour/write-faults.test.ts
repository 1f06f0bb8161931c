import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { endpoints } from "@portcullis/contract";
import { openDatabase, type RequestsTable } from "../../src/db/index.ts";
import { createSimulator, type Simulator } from "../../src/simulator/index.ts";
import { faultFileVariable, type Fault } from "../support/fault-injection.ts";
import { temporaryHome, type Gate, type Reply } from "../support/gateway.ts";
import { callersOf, furnish, serve, type GatewayProcess } from "../support/process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { ask, assertRefused, openStream, until } from "./ask.ts";

/*
 * Each write of the journal and of the ledger fails once, and for a while, with "no space left" and with an I/O error. What
 * a caller was told is done has its one row in the end; what cannot be written down is refused with 503; and the gateway
 * goes on by itself once writes succeed.
 */

const providerKey = "sk-provider-key-of-the-simulator";
const injection = fileURLToPath(new URL("../support/fault-injection.ts", import.meta.url));

interface Stage {
  readonly home: string;
  readonly storageUrl: string;
  readonly gate: GatewayProcess;
  readonly callers: Pick<Gate, "url" | "key" | "post">;
  readonly simulator: Simulator;
  readonly faultFile: string;
  /** The ids of replies that callers have whole. */
  readonly acknowledged: string[];
  readonly counts: { refused: number; faults: number; unfelt: number };
}

/** `storageUrl`: where the database is, unless it is in the home. */
async function openStage(t: TestContext, storageUrl = "sqlite:"): Promise<Stage> {
  const home = join(temporaryHome(), "home");
  const faultFile = `${home}.faults`;
  writeFileSync(faultFile, "null");
  const simulator = createSimulator({ apiKeys: [providerKey] });
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  // The smallest journal, so that its files are changed often.
  const environment = {
    PORTCULLIS_STORAGE_URL: storageUrl,
    PORTCULLIS_USAGE_JOURNAL_MAX_BYTES: "1048576",
    NODE_OPTIONS: `--import=${injection}`,
    [faultFileVariable]: faultFile,
  };
  const gate = await serve({ home, environment });
  t.after(() => gate.kill());
  const callers = callersOf(gate.url, await furnish(gate.admin, upstream.url, providerKey));
  const counts = { refused: 0, faults: 0, unfelt: 0 };
  return { home, storageUrl, gate, callers, simulator, faultFile, acknowledged: [], counts };
}

/** In one step: the gateway reads the file all the time. */
function arm({ faultFile }: Stage, fault: Fault | null): void {
  writeFileSync(`${faultFile}.new`, JSON.stringify(fault));
  renameSync(`${faultFile}.new`, faultFile);
}

function hits({ faultFile }: Stage, id: number): number {
  if (!existsSync(`${faultFile}.hits`)) return 0;
  return readFileSync(`${faultFile}.hits`, "utf8")
    .split("\n")
    .filter((line) => line === String(id)).length;
}

/** A few requests of each sort at once. */
async function work(stage: Stage): Promise<void> {
  const { callers } = stage;
  const plain = (["openai-chat", "anthropic-messages", "openai-responses"] as const).map(async (dialect) => {
    note(stage, dialect, await ask(callers, dialect));
  });
  const streams = (["openai-chat", "anthropic-messages"] as const).map(async (dialect) => {
    const reply = await openStream(callers, dialect, { script: { paceMs: 2, deltas: 4 } });
    assert.equal(await reply.over, "ended");
    const body = Buffer.from(reply.text());
    note(stage, dialect, {
      status: reply.status,
      headers: reply.headers,
      body,
      json: () => JSON.parse(body.toString()) as unknown,
    });
  });
  await Promise.all([...plain, ...streams]);
}

/** A reply is acknowledged, or it is the one error that a full or broken disk may lead to. */
function note(stage: Stage, dialect: Parameters<typeof assertRefused>[0], reply: Reply): void {
  if (reply.status === 200) {
    stage.acknowledged.push(String(reply.headers["x-request-id"]));
  } else {
    assertRefused(dialect, reply, 503, "journal_unavailable");
    assert.equal(reply.headers["retry-after"], "5");
    stage.counts.refused += 1;
  }
}

/** Lets one fault happen while requests come and go; then all must be well again without anybody's help. */
async function suffer(stage: Stage, fault: Omit<Fault, "id">): Promise<void> {
  const id = ++stage.counts.faults;
  arm(stage, { id, ...fault });
  await work(stage);
  const whenSettling = fault.operation === "statement" || fault.operation === "commit";
  // Rows are settled a moment later, and by fewer statements if they come together.
  if (whenSettling) await settledOrFelt(stage, id);
  if (hits(stage, id) === 0) stage.counts.unfelt += 1;
  arm(stage, null);
  if (whenSettling) await allSettled(stage); // or the next try would be put off further and further
  const accepted = async (): Promise<boolean> => {
    const reply = await ask(stage.callers, "openai-chat");
    note(stage, "openai-chat", reply);
    return reply.status === 200;
  };
  await until(`requests are accepted again after ${JSON.stringify(fault)}`, accepted, 10_000);
}

async function settledOrFelt(stage: Stage, id: number): Promise<void> {
  const over = async (): Promise<boolean> => hits(stage, id) > 0 || (await waitingRows(stage)) === 0;
  await until("rows are settled, or a statement fails", over, 10_000);
}

function allSettled(stage: Stage): Promise<void> {
  return until("all rows are in the database", async () => (await waitingRows(stage)) === 0, 20_000);
}

async function waitingRows({ gate }: Stage): Promise<number> {
  return (await gate.admin.call(endpoints.status.get)).journal.waiting_rows;
}

async function problemOf({ gate }: Stage): Promise<string | null> {
  return (await gate.admin.call(endpoints.status.get)).journal.problem;
}

/** Stops the gateway and compares what callers and provider saw with the rows. */
async function settleUp(t: TestContext, stage: Stage): Promise<void> {
  const { gate, simulator, acknowledged, counts } = stage;
  const settled = async (): Promise<boolean> =>
    (await gate.admin.call(endpoints.status.get)).journal.waiting_rows === 0;
  await until("all rows are in the database", settled, 20_000);
  const { data } = await gate.admin.call(endpoints.usage.sum, { query: { by: "provider" } });
  const { code, stderr } = await gate.stop();
  assert.equal(code, 0, stderr);
  const rows = await readRows(stage);
  const byId = Map.groupBy(rows, (row) => row.request_id);
  const wrong = acknowledged.filter((id) => byId.get(id)?.length !== 1 || byId.get(id)?.[0]?.outcome !== "ok");
  assert.deepEqual(wrong, [], "acknowledged and not recorded once as it was");
  assert.equal(byId.size, rows.length, "no request has two rows");
  const sent = simulator.stats().requests;
  assert.equal(rows.filter((row) => row.attempts > 0).length, sent, "what the provider got has one row each");
  const sum = (pick: (group: (typeof data)[number]) => number): number =>
    data.reduce((all, group) => all + pick(group), 0);
  const total = rows.reduce((all, row) => all + row.output_tokens, 0);
  assert.deepEqual([sum((group) => group.requests), sum((group) => group.output_tokens)], [rows.length, total]);
  const { faults, unfelt, refused } = counts;
  assert.ok(faults - unfelt >= faults / 2, `${unfelt} of ${faults} faults were felt by nobody`);
  t.diagnostic(
    `${faults - unfelt} faults: ${acknowledged.length} replies acknowledged = rows, ${refused} refused, 0 lost, 0 doubled`,
  );
}

async function readRows({ home, storageUrl }: Stage): Promise<readonly RequestsTable[]> {
  const db = await openDatabase({ url: storageUrl, home });
  try {
    return await db.kysely.selectFrom("requests").selectAll().execute();
  } finally {
    await db.close();
  }
}

const codes = ["ENOSPC", "EIO"] as const;
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

test("each write of the journal fails once, in turn: nothing is lost, nothing doubled, and it goes on by itself", async (t) => {
  const stage = await openStage(t);
  for (const code of codes) {
    for (const mode of ["before", "short"] as const) {
      for (const skip of upTo(16)) await suffer(stage, { operation: "write", mode, code, skip, times: 1 });
    }
  }
  assert.ok(stage.counts.refused > 0, "a write failed, and nobody was refused");
  await settleUp(t, stage);
});

test("from each write on all writes of the journal fail: requests are refused with 503 until they succeed again", async (t) => {
  const stage = await openStage(t);
  for (const code of codes) {
    for (const skip of upTo(12))
      await suffer(stage, { operation: "write", mode: "before", code, skip, times: 1_000_000 });
  }
  assert.ok(stage.counts.refused >= 24);
  await settleUp(t, stage);
});

test("whatever else is done to the journal's files fails: nothing is lost, nothing doubled", async (t) => {
  const stage = await openStage(t);
  for (const code of codes) {
    for (const operation of ["open", "truncate", "close", "read", "remove"] as const) {
      for (const skip of upTo(3)) {
        // A file is left when a write to it fails, so that these operations come about.
        await suffer(stage, { operation: "write", mode: "before", code, skip: 2, times: 1 });
        await suffer(stage, { operation, mode: operation === "close" ? "after" : "before", code, skip, times: 1 });
      }
    }
  }
  await settleUp(t, stage);
});

test("the journal cannot be synced: it is said, and it is over when it can", async (t) => {
  const stage = await openStage(t);
  arm(stage, { id: 1, operation: "sync", mode: "before", code: "EIO", skip: 0, times: 1_000_000 });
  const problem = async (): Promise<boolean> => (await problemOf(stage)) !== null;
  await until(
    "the status tells it",
    async () => {
      await work(stage);
      return problem();
    },
    10_000,
  );
  arm(stage, null);
  await until(
    "the status tells nothing more",
    async () => {
      await work(stage);
      return !(await problem());
    },
    10_000,
  );
  stage.counts.faults = 1;
  await settleUp(t, stage);
});

test("each statement that settles rows fails, and each commit once it was done: nothing is lost, nothing doubled", async (t) => {
  const stage = await openStage(t);
  for (const code of codes) {
    for (const skip of upTo(10)) await suffer(stage, { operation: "statement", mode: "before", code, skip, times: 1 });
    for (const skip of upTo(2)) await suffer(stage, { operation: "commit", mode: "after", code, skip, times: 1 });
    await suffer(stage, { operation: "statement", mode: "before", code, skip: 0, times: 1_000_000 });
  }
  assert.equal(stage.counts.refused, 0);
  await settleUp(t, stage);
});

test("the database's disk is full but for any number of pages: requests go on, and their rows arrive when there is room", async (t) => {
  const disk = mountSmallDisk(t, 12_288);
  if (disk === undefined) return;
  const stage = await openStage(t, `sqlite:${join(disk.path, "portcullis.db")}`);
  for (const pages of upTo(12)) {
    disk.fill(pages * 4);
    await work(stage);
    const tried = async (): Promise<boolean> => (await problemOf(stage)) !== null || (await waitingRows(stage)) === 0;
    await until("settling is tried", tried, 10_000);
    if ((await waitingRows(stage)) > 0) stage.counts.faults += 1; // else there was room enough
    disk.free();
    await allSettled(stage);
  }
  assert.ok(stage.counts.faults >= 3, "the disk was full, and rows were settled all the same");
  assert.equal(stage.counts.refused, 0);
  await settleUp(t, stage);
});
