import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fakeClock } from "../kernel/clock.ts";
import type { Ledger } from "./ledger.ts";
import { decodeLines, encodeEnd, encodeMoved, encodeStart, type Line, type RowValues } from "./line.ts";
import { finalRow, interruptedRow } from "./record.ts";
import { openRejects } from "./rejects.ts";
import { Settlement } from "./settlement.ts";
import { endOf, startOf, temporaryDirectory } from "./test-parts.ts";

const encode = {
  start: (id: string) => encodeStart(interruptedRow(startOf(id))),
  end: (id: string) => encodeEnd(finalRow(interruptedRow(startOf(id)), endOf(id))),
  moved: (id: string) => encodeMoved(id),
};

const line = fc.record({
  kind: fc.constantFrom("start", "start", "end", "moved"),
  id: fc.constantFrom("r1", "r2", "r3", "r4", "r5", "r6"),
  /** At which byte it is damaged; most are not. */
  damagedAt: fc.option(fc.nat(60), { freq: 8 }),
  /** Zeros behind it, at times more than are read at once. */
  zeros: fc.constantFrom(0, 0, 0, 0, 7, 262_100, 300_000),
});
const damage = (bytes: Buffer, at: number): Buffer => Buffer.from(bytes.with(at % (bytes.length - 1), 0x7e));

type Told = Pick<Exclude<Line, { readonly kind: "damaged" }>, "kind" | "requestId"> | { readonly kind: "damaged" };

/** The requests of all ends, and of the starts that nothing ends. */
function told(lines: readonly Told[]): { readonly ended: readonly string[]; readonly open: readonly string[] } {
  const open = new Set<string>();
  const ended: string[] = [];
  for (const found of lines) {
    if (found.kind === "start") open.add(found.requestId);
    else if (found.kind !== "damaged") open.delete(found.requestId);
    if (found.kind === "end") ended.push(found.requestId);
  }
  return { ended, open: [...open] };
}

test("whatever lies in a complete file: readable ends are rows, starts that nothing readable ends are interrupted", async (t) => {
  const directory = temporaryDirectory(t);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 25 }),
      fc.array(fc.nat(25), { maxLength: 3 }),
      async (lines, stops) => {
        const pieces = lines.flatMap(({ kind, id, damagedAt, zeros }) => {
          const whole = Buffer.from(encode[kind](id));
          return [damagedAt === null ? whole : damage(whole, damagedAt), Buffer.alloc(zeros)];
        });
        const file = Buffer.concat(pieces);
        const name = `${count++}.log`;
        writeFileSync(join(directory, name), file);

        const rows: RowValues[] = [];
        const ledger = { settle: async (more: readonly RowValues[]) => (rows.push(...more), []) } as unknown as Ledger;
        const settlement = new Settlement({ directory, ledger, rejects: openRejects(directory, fakeClock()) });
        for (const stop of stops.toSorted((a, b) => a - b)) {
          const usedBytes = Buffer.concat(pieces.slice(0, 2 * stop)).length;
          await settlement.advance({ name, usedBytes, complete: false, ends: undefined }, () => {});
        }
        const written = told(lines.map(({ kind, id }) => ({ kind, requestId: id })));
        const ends = written.open.length === 0 ? written.ended.length : undefined;
        await settlement.advance({ name, usedBytes: file.length, complete: true, ends }, () => {});

        const readable = told(decodeLines(file).lines);
        const isKnownWhole = readable.ended.length === ends; // a damaged `moved` line changes nothing then
        const outcomes = rows.map((row) => `${row[0]} ${row.includes("interrupted") ? "interrupted" : "ended"}`);
        const interrupted = isKnownWhole ? [] : readable.open;
        const expected = [
          ...readable.ended.map((id) => `${id} ended`),
          ...interrupted.map((id) => `${id} interrupted`),
        ];
        assert.deepEqual(outcomes, expected);
      },
    ),
    { numRuns: 150 },
  );
});
