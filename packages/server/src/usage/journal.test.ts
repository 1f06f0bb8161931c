import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { fakeClock } from "../kernel/clock.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { describeLosses } from "./dropped.ts";
import { columns, decodeLines, type Line } from "./line.ts";
import type { Write } from "./segment.ts";
import { ById, endOf, segmentsIn, startOf, temporaryDirectory } from "./test-parts.ts";

const mebibyte = 1_048_576;

function openJournal(directory: string, options: Partial<JournalOptions> = {}): Journal {
  return new Journal({ directory, maxBytes: 16 * mebibyte, segmentBytes: mebibyte, clock: fakeClock(), ...options });
}

/** What the files say: ids with an end, and ids of starts that neither ended nor moved within their file. */
function readBack(directory: string): { ended: string[]; interrupted: string[]; damaged: number } {
  const files = segmentsIn(directory).map((name) => join(directory, name));
  const lines = files.flatMap(linesIn);
  const ended = lines.flatMap((line) => (line.kind === "end" ? [line.requestId] : []));
  const damaged = lines.filter(({ kind }) => kind === "damaged").length;
  return { ended: ended.sort(), interrupted: files.flatMap(openIn).sort(), damaged };
}

function linesIn(file: string): readonly Line[] {
  return decodeLines(readFileSync(file)).lines;
}

function openIn(file: string): string[] {
  const open = new Set<string>();
  for (const line of linesIn(file)) {
    if (line.kind === "start") open.add(line.requestId);
    else if (line.kind !== "damaged") open.delete(line.requestId);
  }
  return [...open];
}

/** That a file said to have the end of each of its requests has it. */
function assertAllEnded(directory: string, journal: Journal, message = "an end is not there"): void {
  for (const { name, ends } of journal.states().filter((state) => state.ends !== undefined)) {
    const file = join(directory, name);
    assert.deepEqual(openIn(file), [], message);
    assert.equal(linesIn(file).filter(({ kind }) => kind === "end").length, ends, message);
  }
}

/** Starts or ends, and says whether that was acknowledged. */
function isAcknowledged(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "journal_unavailable");
    return false;
  }
}

const posix = { skip: process.platform === "win32" ? "Windows has no file modes" : undefined };

test("the journal is readable by its owner alone", posix, (t) => {
  const directory = join(temporaryDirectory(t), "journal");
  const previous = process.umask(0);
  t.after(() => process.umask(previous));
  openJournal(directory).start(startOf("01a"));
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of segmentsIn(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
  assert.equal(segmentsIn(directory).length, 1);
});

test("what start and end have returned from is in the file", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory);
  const requests = new ById(journal);
  for (const id of ["01a", "01b", "01c"]) requests.start(startOf(id));
  requests.end(endOf("01b"));
  assert.deepEqual(readBack(directory), { ended: ["01b"], interrupted: ["01a", "01c"], damaged: 0 });
  assert.equal(journal.lagRows, 1);
});

test("a request that is ended twice, or with the end of another, is a mistake and leaves no trace", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory);
  const request = journal.start(startOf("01a"));
  assert.throws(() => journal.end(request, endOf("01b")), { code: "internal" });
  assert.deepEqual(readBack(directory), { ended: [], interrupted: ["01a"], damaged: 0 });
  journal.end(request, endOf("01a"));
  assert.throws(() => journal.end(request, endOf("01a")), { code: "internal" });
  assert.deepEqual(readBack(directory), { ended: ["01a"], interrupted: [], damaged: 0 });
});

test("a file is complete once another is current and all its requests have ended", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory, { segmentBytes: 1 });
  const requests = new ById(journal);
  requests.start(startOf("01a"));
  requests.start(startOf("01b"));
  assert.deepEqual(
    journal.states().map((state) => state.complete),
    [false, false],
  );
  requests.end(endOf("01a"));
  const [first] = journal.states();
  assert.deepEqual([first?.complete, first?.ends], [true, 1]);
  assert.equal(statSync(join(directory, first?.name ?? "")).size, first?.usedBytes, "unused room is given back");
});

test("long requests do not keep old files: they are moved to the current one", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory, { segmentBytes: 16_000 });
  const requests = new ById(journal);
  const long = Array.from({ length: 30 }, (_, index) => `long-${String(index).padStart(2, "0")}`);
  for (const id of long) {
    requests.start(startOf(id));
    for (let index = 0; index < 40; index++) {
      requests.start(startOf(`${id}-short-${index}`));
      requests.end(endOf(`${id}-short-${index}`));
    }
  }
  const unfinished = journal.states().filter((state) => !state.complete).length;
  assert.ok(unfinished <= 5, `${unfinished} files wait`);
  assert.deepEqual(readBack(directory).interrupted, long, "each is open in exactly one file");
  assert.ok(journal.states().some(({ ends }) => ends !== undefined));
  assertAllEnded(directory, journal);
  for (const id of long) requests.end(endOf(id));
  const { ended, interrupted } = readBack(directory);
  assert.deepEqual([ended.length, new Set(ended).size, interrupted], [1_230, 1_230, []]);
});

test("at its size limit the journal lets nothing in, lets the open requests end, and goes on once files are gone", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory, { maxBytes: 4 * 65_536, segmentBytes: 65_536 });
  const requests = new ById(journal);
  const admitted: string[] = [];
  for (let index = 0; index < 1_000 && isAcknowledged(() => requests.start(startOf(`r${index}`))); index++) {
    admitted.push(`r${index}`);
  }
  assert.ok(admitted.length > 50 && admitted.length < 1_000);
  assert.equal(journal.check()?.code, "journal_unavailable");
  for (const id of admitted) requests.end(endOf(id));
  assert.ok(journal.sizeBytes <= 4 * 65_536);
  assert.equal(readBack(directory).ended.length, admitted.length);

  for (const { name, complete } of journal.states()) {
    if (!complete) continue;
    journal.noteProgress({ name, foundRows: 0, settledRows: 0, interruptedRows: 0, removed: true });
  }
  assert.equal(journal.check(), undefined);
  requests.start(startOf("later"));
});

test("an end that is longer than its room leaves out what was dropped, and nothing else", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory, { maxBytes: 65_536, segmentBytes: 65_536 });
  const requests = new ById(journal);
  const admitted: string[] = [];
  const short = { keyId: null, userName: null, team: null, sessionId: null, model: null, provider: null };
  while (isAcknowledged(() => requests.start(startOf(`r${admitted.length}`, short))))
    admitted.push(`r${admitted.length}`);
  const [long, path] = ["\\".repeat(200), '"'.repeat(200)];
  const dropped = describeLosses([{ path, kind: "dropped" }, ...Array(9).fill({ path, kind: "changed" })]);
  const texts = {
    model: long,
    provider: long,
    credentialId: long,
    errorCode: long,
    upstreamDialect: "gemini",
    dropped,
  };
  for (const id of admitted) requests.end(endOf(id, texts));
  assert.equal(journal.heldRows, 0);
  assert.deepEqual(readBack(directory).ended, admitted.sort());
  const values = segmentsIn(directory)
    .flatMap((name) => decodeLines(readFileSync(join(directory, name))).lines)
    .flatMap((line) => (line.kind === "end" ? [line.values] : []));
  const [asked, lost] = [columns.indexOf("upstream_dialect"), columns.indexOf("dropped")];
  assert.ok(values.every((row) => row[asked] === "gemini"));
  const kept = values.map((row) => row[lost]);
  assert.deepEqual([...new Set(kept)].sort(), [dropped, null].sort(), "some had room");
});

test("files that an earlier process left are complete, and other files in the directory are let alone", (t) => {
  const directory = temporaryDirectory(t);
  const earlier = openJournal(directory);
  earlier.start(startOf("01a"));
  writeFileSync(join(directory, "rejected.log"), "");
  writeFileSync(join(directory, "notes.txt"), "");
  const journal = openJournal(directory);
  assert.deepEqual(
    journal.states().map(({ complete, ends }) => [complete, ends]),
    [[true, undefined]],
  );
  journal.start(startOf("01b"));
  assert.equal(journal.states().length, 2);
});

test("a closed journal lets nothing in, and never writes to a descriptor that is no longer its own", (t) => {
  const directory = temporaryDirectory(t);
  const journal = openJournal(directory);
  const requests = new ById(journal);
  requests.start(startOf("01a"));
  journal.close();
  assert.throws(() => requests.start(startOf("01b")), { code: "draining" });
  assert.throws(() => requests.end(endOf("01a")), { code: "internal" });
  assert.deepEqual(
    journal.states().map(({ complete, ends }) => [complete, ends]),
    [[true, undefined]],
  );
});

// Faults. `calls` counts every write, the zeros that set room aside included.

type Fault = (call: number, args: Parameters<Write>) => number | undefined;

function faulty(fault: Fault): { readonly write: Write; heal(): void } {
  let calls = 0;
  let healthy = false;
  return {
    write: (...args) => (healthy ? undefined : fault(++calls, args)) ?? writeSync(...args),
    heal() {
      healthy = true;
    },
  };
}

function diskFull(): never {
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
}

const faults: Readonly<Record<string, (at: number) => Fault>> = {
  "fails once": (at) => (call) => (call === at ? diskFull() : undefined),
  "fails from then on": (at) => (call) => (call >= at ? diskFull() : undefined),
  "fails every other time from then on": (at) => (call) => (call >= at && call % 2 === 0 ? diskFull() : undefined),
  "stops short":
    (at) =>
    (call, [descriptor, bytes, offset, length, position]) =>
      call === at ? writeSync(descriptor, bytes, offset, Math.ceil(length / 2), position) : undefined,
  "stops short and fails from then on":
    (at) =>
    (call, [descriptor, bytes, offset, length, position]) => {
      if (call === at) return writeSync(descriptor, bytes, offset, Math.ceil(length / 2), position);
      return call > at ? diskFull() : undefined;
    },
  "succeeds and yet reports a failure": (at) => (call, args) => {
    if (call !== at) return undefined;
    writeSync(...args);
    return diskFull();
  },
  "writes nothing": (at) => (call) => (call === at ? 0 : undefined),
};

for (const [name, fault] of Object.entries(faults)) {
  test(`no acknowledged request is lost when the n-th write ${name}`, (t) => {
    for (let at = 1; at <= 60; at++) {
      const directory = temporaryDirectory(t);
      const { write, heal } = faulty(fault(at));
      const journal = openJournal(directory, { segmentBytes: 5_000, write });
      const requests = new ById(journal);
      const started: string[] = [];
      const ended: string[] = [];
      for (let index = 0; index < 30; index++) {
        const id = `r${String(index).padStart(2, "0")}`;
        if (isAcknowledged(() => requests.start(startOf(id)))) started.push(id);
        const oldest = started[ended.length];
        if (oldest === undefined || started.length - ended.length < 5) continue;
        requests.end(endOf(oldest)); // never throws
        ended.push(oldest);
      }
      const before = readBack(directory);
      const seen = new Set([...before.ended, ...before.interrupted]);
      assert.deepEqual(
        started.filter((id) => !seen.has(id)),
        [],
        `call ${at}: killed now, a start would be missing`,
      );
      assert.equal(journal.lagRows, ended.length);
      assertAllEnded(directory, journal, `call ${at}: an end is not there`);

      heal();
      assert.equal(journal.check(), undefined, `call ${at}`);
      assert.equal(journal.heldRows, 0);
      const after = readBack(directory);
      assert.deepEqual([...new Set(after.ended)], ended, `call ${at}: an end is missing`);
      const strangers = [...after.ended, ...after.interrupted].filter((id) => !started.includes(id));
      assert.deepEqual(strangers, [], `call ${at}: a refused request is in the journal`);
      requests.start(startOf("after"));
      requests.end(endOf("after"));
      assertAllEnded(directory, journal, `call ${at}`);
    }
  });
}

test("while an end is held nothing is let in", (t) => {
  const directory = temporaryDirectory(t);
  let broken = false;
  const write: Write = (...args) => (broken ? diskFull() : writeSync(...args));
  const journal = openJournal(directory, { write });
  const requests = new ById(journal);
  requests.start(startOf("01a"));
  broken = true;
  requests.end(endOf("01a"));
  assert.equal(journal.heldRows, 1);
  assert.throws(() => requests.start(startOf("01b")), { code: "journal_unavailable" });
  broken = false;
  requests.start(startOf("01c"));
  assert.equal(journal.heldRows, 0);
  assert.deepEqual(readBack(directory).ended, ["01a"]);
});

test("a file that takes no more writes is left for another one", (t) => {
  const directory = temporaryDirectory(t);
  const broken = new Set<number>();
  let lastDescriptor = -1;
  const write: Write = (...args) => {
    [lastDescriptor] = args;
    if (broken.has(lastDescriptor)) throw Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" });
    return writeSync(...args);
  };
  const journal = openJournal(directory, { write });
  const requests = new ById(journal);
  requests.start(startOf("01a"));
  broken.add(lastDescriptor);
  assert.throws(() => requests.start(startOf("01b")), { code: "journal_unavailable" });
  requests.start(startOf("01c"));
  requests.end(endOf("01a"));
  requests.start(startOf("01d"));
  requests.end(endOf("01c"));
  assert.deepEqual([journal.heldRows, readBack(directory).ended], [0, ["01a", "01c"]]);
});

test("a full disk fails no end: its room was set aside when the request was let in", (t) => {
  const directory = temporaryDirectory(t);
  let room = 5 * 65_536;
  // A disk with `room` bytes: writing over what is allocated costs nothing, growing a file does.
  const sizes = new Map<number, number>();
  const write: Write = (descriptor, bytes, offset, length, position) => {
    const size = sizes.get(descriptor) ?? 0;
    const growth = Math.max(0, position + length - size);
    if (growth > 0 && room === 0) diskFull();
    const taken = Math.min(growth, room);
    room -= taken;
    sizes.set(descriptor, size + taken);
    return writeSync(descriptor, bytes, offset, length - growth + taken, position);
  };
  const journal = openJournal(directory, { segmentBytes: 100_000, write });
  const requests = new ById(journal);
  const open: string[] = [];
  let ended = 0;
  for (let index = 0; index < 5_000; index++) {
    if (isAcknowledged(() => requests.start(startOf(`r${index}`)))) open.push(`r${index}`);
    if (index % 3 !== 0) continue;
    const id = open.shift();
    if (id !== undefined) requests.end(endOf(id));
    if (id !== undefined) ended += 1;
    assert.equal(journal.heldRows, 0);
  }
  for (const id of open) requests.end(endOf(id));
  assert.equal(journal.heldRows, 0);
  assert.equal(readBack(directory).ended.length, ended + open.length);
});
