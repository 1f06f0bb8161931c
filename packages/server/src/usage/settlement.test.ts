import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { databases } from "../../test/support/databases.ts";
import type { Db, RequestsTable } from "../db/index.ts";
import { fakeClock } from "../kernel/clock.ts";
import { noMedia, noTokens } from "../kernel/tokens.ts";
import type { SegmentProgress, SegmentState } from "./journal.ts";
import { createLedger } from "./ledger.ts";
import { columns, encodeEnd, encodeMoved, encodeStart, mediaColumns, valuesOf } from "./line.ts";
import { finalRow, interruptedRow, type EndRecord } from "./record.ts";
import { openRejects } from "./rejects.ts";
import { Settlement } from "./settlement.ts";
import { endOf, startOf, temporaryDirectory } from "./test-parts.ts";

const start = (id: string): Buffer => encodeStart(interruptedRow(startOf(id)));
const end = (id: string, changes: Partial<EndRecord> = {}): Buffer =>
  encodeEnd(finalRow(interruptedRow(startOf(id)), endOf(id, changes)));

const dropped = '[["temperature","dropped"],["say \\"é\\"","hint"]]';
const noMediaColumns = Object.fromEntries(mediaColumns.map((column) => [column, 0]));

/** A line as version 0.1.0 wrote it: the columns up to `attempts`. */
function oldLine(kind: "s" | "e", id: string, outcome: string): Buffer {
  const who = ["key_1", "ada", "core", null, "session", null];
  const what = ["/v1/messages", "anthropic-messages", "anthropic", "cred_1", "claude", "claude-sonnet-4-5"];
  const how = [1, kind === "e" ? 200 : null, outcome, null, "reported"];
  const values = [id, 1_767_225_600_000, null, ...who, ...what, ...how, 10, 20, 30, 4, 5, 6, 700, 8, 9, 100, 200, 3];
  const body = `${kind} ${JSON.stringify(values)}`;
  return Buffer.from(`${crc32(body).toString(16).padStart(8, "0")} ${body}\n`);
}

interface Bench {
  readonly directory: string;
  readonly db: Db;
  /** Writes a journal file and says that it is `complete`, or live. */
  write(name: string, complete: boolean, ...lines: readonly Buffer[]): SegmentState;
  settle(...states: readonly SegmentState[]): Promise<SegmentProgress[]>;
  rows(): Promise<RequestsTable[]>;
  rejected(): { file: string; reason: string; line?: string; row?: unknown[] }[];
}

function bench(directory: string, db: Db): Bench {
  const rejects = openRejects(directory, fakeClock());
  const settlement = new Settlement({ directory, ledger: createLedger(db), rejects });
  return {
    directory,
    db,
    write(name, complete, ...lines) {
      const bytes = Buffer.concat(lines);
      writeFileSync(join(directory, name), bytes);
      return { name, usedBytes: bytes.length, complete, ends: undefined };
    },
    async settle(...states) {
      const reports: SegmentProgress[] = [];
      for (const state of states) await settlement.advance(state, (progress) => reports.push(progress));
      return reports;
    },
    rows: () => db.kysely.selectFrom("requests").selectAll().orderBy("request_id").execute(),
    rejected() {
      const path = join(directory, "rejected.log");
      if (!existsSync(path)) return [];
      return readFileSync(path, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
  };
}

for (const database of databases) {
  const promise = (name: string, run: (bench: Bench) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async (t) => {
      await run(bench(temporaryDirectory(t), await database.open()));
    });
  };

  promise("an end becomes a row, column for column", async ({ write, settle, rows }) => {
    await settle(write("a.log", false, start("r1"), end("r1")));
    const [row] = await rows();
    assert.deepEqual(row, { ...noMediaColumns, ...finalRow(interruptedRow(startOf("r1")), endOf("r1")) });
  });

  promise("what was used beside text becomes columns, next to rows of text alone", async ({ write, settle, rows }) => {
    const media = { ...noMedia, inputAudio: 1, outputAudio: 2, inputImage: 3, outputImage: 4 };
    const tokens = { ...noTokens, media: { ...media, images: 5, characters: 6, audioMs: 7, searches: 8 } };
    const ends = [end("r1"), end("r2", { tokens }), end("r3", { responseId: "resp_3" }), end("r4", { tokens })];
    await settle(write("a.log", true, ...ends));
    assert.deepEqual(
      (await rows()).map((row) => [row.response_id, ...mediaColumns.map((column) => row[column])]),
      [
        [null, 0, 0, 0, 0, 0, 0, 0, 0],
        [null, 1, 2, 3, 4, 5, 6, 7, 8],
        ["resp_3", 0, 0, 0, 0, 0, 0, 0, 0],
        [null, 1, 2, 3, 4, 5, 6, 7, 8],
      ],
    );
  });

  promise("what translation did becomes columns, next to rows that were not translated", async (parts) => {
    const { write, settle, rows, rejected } = parts;
    const asked = { upstreamDialect: "openai-chat", dropped };
    const tokens = { ...noTokens, media: { ...noMedia, images: 5 } };
    const unasked = end("r4", { attempts: 0, upstreamDialect: null });
    const ends = [end("r1"), end("r2", asked), end("r3", { ...asked, tokens }), unasked, start("r5")];
    await settle(write("a.log", true, ...ends));
    assert.deepEqual(
      (await rows()).map((row) => [row.upstream_dialect, row.dropped, row.images]),
      [
        ["anthropic-messages", null, 0],
        ["openai-chat", dropped, 0],
        ["openai-chat", dropped, 5],
        [null, null, 0],
        [null, null, 0],
      ],
    );
    await settle(write("b.log", true, end("r5", asked)));
    assert.equal((await rows()).at(-1)?.dropped, dropped, "the end replaces what only had started");
    assert.deepEqual(rejected(), []);
  });

  promise("a journal that an older version left is settled", async ({ write, settle, rows, rejected }) => {
    const lines = [oldLine("s", "r1", "interrupted"), oldLine("s", "r2", "interrupted"), oldLine("e", "r2", "ok")];
    await settle(write("a.log", true, ...lines));
    assert.deepEqual(
      (await rows()).map((row) => [row.request_id, row.outcome, row.upstream_dialect, row.response_id, row.images]),
      [
        ["r1", "interrupted", null, null, 0],
        ["r2", "ok", "anthropic-messages", null, 0],
      ],
    );
    assert.deepEqual(rejected(), []);
  });

  promise("a live file's open requests are left in peace", async ({ write, settle, rows }) => {
    const [progress] = await settle(write("a.log", false, start("r1"), start("r2"), end("r2")));
    assert.deepEqual(
      (await rows()).map((row) => row.request_id),
      ["r2"],
    );
    assert.deepEqual(progress, { name: "a.log", foundRows: 1, settledRows: 1, interruptedRows: 0, removed: false });
  });

  promise("a complete file's open requests become interrupted rows, and the file is deleted", async (parts) => {
    const { write, settle, rows, directory } = parts;
    const reports = await settle(write("a.log", true, start("r1"), start("r2"), end("r2")));
    assert.deepEqual(
      (await rows()).map((row) => [row.request_id, row.outcome]),
      [
        ["r1", "interrupted"],
        ["r2", "ok"],
      ],
    );
    assert.deepEqual((await rows())[0], { ...noMediaColumns, ...interruptedRow(startOf("r1")) });
    assert.deepEqual(reports.at(-1), {
      name: "a.log",
      foundRows: 2,
      settledRows: 2,
      interruptedRows: 1,
      removed: true,
    });
    assert.equal(existsSync(join(directory, "a.log")), false);
  });

  promise("settling the same file again, by another settler as well, changes nothing", async (parts) => {
    const lines = [start("r1"), end("r1"), start("r2")];
    await parts.settle(parts.write("a.log", true, ...lines));
    const before = await parts.rows();
    await parts.settle(parts.write("a.log", true, ...lines));
    const other = bench(parts.directory, parts.db);
    await Promise.all([
      parts.settle(parts.write("b.log", true, ...lines)),
      other.settle(other.write("c.log", true, ...lines)),
    ]);
    assert.deepEqual(await parts.rows(), before);
  });

  promise(
    "a final row replaces an interrupted one and is never replaced, in whatever order they come",
    async (parts) => {
      const { write, settle, rows } = parts;
      await settle(write("a.log", true, start("r1")));
      await settle(write("b.log", true, end("r1")));
      await settle(write("c.log", true, end("r2", { costMicros: 7 })));
      await settle(write("d.log", true, start("r2")));
      await settle(write("e.log", true, end("r2", { costMicros: 8 })));
      const started = interruptedRow(startOf("r3"));
      const batch = [started, finalRow(started, endOf("r3")), finalRow(started, endOf("r3")), started];
      await createLedger(parts.db).settle(batch.map(valuesOf));
      assert.deepEqual(
        (await rows()).map((row) => [row.request_id, row.outcome, row.cost_micros]),
        [
          ["r1", "ok", 20_100],
          ["r2", "ok", 7],
          ["r3", "ok", 20_100],
        ],
      );
    },
  );

  promise("a request that was moved is open in the newer file alone", async ({ write, settle, rows }) => {
    await settle(write("a.log", true, start("r1"), encodeMoved("r1")), write("b.log", false, start("r1")));
    assert.deepEqual(await rows(), []);
    await settle(write("b.log", true, start("r1"), end("r1")));
    assert.deepEqual(
      (await rows()).map((row) => row.outcome),
      ["ok"],
    );
  });

  promise("one damaged line of the two costs nothing; it is put aside and counted", async (parts) => {
    const damage = (line: Buffer): Buffer => line.with(40, (line[40] ?? 0) ^ 1) as unknown as Buffer;
    const lines = [start("r1"), damage(end("r1")), damage(start("r2")), end("r2"), start("r3"), end("r3")];
    await parts.settle(parts.write("a.log", true, ...lines));
    assert.deepEqual(
      (await parts.rows()).map((row) => [row.request_id, row.outcome]),
      [
        ["r1", "interrupted"],
        ["r2", "ok"],
        ["r3", "ok"],
      ],
    );
    assert.deepEqual(
      parts.rejected().map(({ file, reason }) => [file, reason]),
      [
        ["a.log", "damaged"],
        ["a.log", "damaged"],
      ],
    );
    assert.match(parts.rejected()[0]?.line ?? "", /claude-sonnet/);
  });

  promise("a last line torn at any byte is not a row, and is no damage", async ({ write, settle, rows, rejected }) => {
    const torn = end("r2");
    for (let length = 1; length < torn.length; length += 23) {
      await settle(write(`a${length}.log`, true, start("r1"), end("r1"), start("r2"), torn.subarray(0, length)));
    }
    assert.deepEqual(
      (await rows()).map((row) => [row.request_id, row.outcome]),
      [
        ["r1", "ok"],
        ["r2", "interrupted"],
      ],
    );
    assert.deepEqual(rejected(), []);
  });

  promise("zeros behind the last line, or in place of a page that was never synced, are no damage", async (parts) => {
    const hole = Buffer.alloc(700_000);
    await parts.settle(parts.write("a.log", true, start("r1"), hole, start("r2"), end("r2"), hole));
    assert.deepEqual(
      (await parts.rows()).map((row) => row.request_id),
      ["r1", "r2"],
    );
    assert.deepEqual(parts.rejected(), []);
  });

  promise("a stretch of noise and a cut file are reported, and what is left is settled", async (parts) => {
    const noise = Buffer.alloc(600_000, "x");
    await parts.settle(parts.write("a.log", true, start("r1"), noise, Buffer.from("\n"), start("r2"), end("r2")));
    const cut = parts.write("b.log", true, start("r3"), end("r3"), start("r4"), end("r4"));
    truncateSync(join(parts.directory, "b.log"), start("r3").length + end("r3").length);
    await parts.settle(cut);
    assert.deepEqual(
      (await parts.rows()).map((row) => row.request_id),
      ["r1", "r2", "r3"],
    );
    assert.deepEqual(
      [...new Set(parts.rejected().map(({ reason }) => reason))],
      ["damaged", "the file is shorter than it was"],
    );
    assert.ok(statSync(join(parts.directory, "rejected.log")).size < 40_000);
  });

  promise("a row that the database refuses is put aside and does not hold up the others", async (parts) => {
    const many = Array.from({ length: 1_500 }, (_, index) => `r${String(index).padStart(4, "0")}`);
    const bad = new Set(["r0000", "r0333", "r0334", "r1499"]);
    const lines = many.map((id) => end(id, bad.has(id) ? { attempts: 1.5 } : {}));
    const reports = await parts.settle(parts.write("a.log", true, ...lines));
    assert.equal((await parts.rows()).length, 1_496);
    assert.deepEqual(
      parts.rejected().map(({ row }) => row?.[columns.indexOf("request_id")]),
      [...bad],
    );
    assert.ok(parts.rejected().every(({ reason }) => reason.length > 10));
    assert.equal(reports.at(-1)?.removed, true);
    assert.equal(openRejects(parts.directory, fakeClock()).count, 4, "the next process knows of them");
  });

  promise(
    "what was written since the last time is settled, and nothing twice",
    async ({ write, settle, rows, directory }) => {
      const first = write("a.log", false, start("r1"), end("r1"), start("r2"));
      await settle(first);
      appendFileSync(join(directory, "a.log"), end("r2"));
      const usedBytes = first.usedBytes + end("r2").length;
      const [progress] = await settle({ ...first, usedBytes });
      assert.deepEqual([progress?.foundRows, progress?.settledRows], [2, 2]);
      assert.deepEqual(await settle({ ...first, usedBytes }), []);
      await settle({ ...first, usedBytes, complete: true });
      assert.deepEqual(
        (await rows()).map((row) => row.outcome),
        ["ok", "ok"],
      );
    },
  );

  promise("a complete file that is gone counts as settled", async ({ settle }) => {
    const reports = await settle({ name: "gone.log", usedBytes: 100, complete: true, ends: undefined });
    assert.deepEqual(
      reports.map(({ removed }) => removed),
      [true],
    );
  });
}
