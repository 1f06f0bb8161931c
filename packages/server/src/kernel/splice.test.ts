import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { requestRules, scanObject, watchKeys, type Edit } from "./json-scan.ts";
import { join, joinInSlices, splice, spliceInPlace } from "./splice.ts";
import { sliceBytes } from "./turns.ts";

const watched = watchKeys("model", "stream");

describe("splice", () => {
  test("replaces and inserts, and leaves every other byte as it was", () => {
    const body = Buffer.from('{ "model" : "a",\t"messages":[ 1.0, "\\u0041" ] }');
    const scanned = scanObject(body, watched, requestRules);
    const span = scanned.get("model");
    assert.ok(span);
    const edits = [
      { ...span, replacement: Buffer.from('"provider/b"') },
      { start: scanned.insertAt, end: scanned.insertAt, replacement: Buffer.from('"stream":true,') },
    ];
    assert.equal(
      splice(body, edits).toString(),
      '{"stream":true, "model" : "provider/b",\t"messages":[ 1.0, "\\u0041" ] }',
    );
  });

  test("gives back what parsing, changing and writing would mean", () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom("a", "b", "stream"), maxDepth: 2 }),
        fc.string(),
        fc.string(),
        (object, before, after) => {
          const body = Buffer.from(JSON.stringify({ ...object, model: before }));
          const span = scanObject(body, watched, requestRules).get("model");
          assert.ok(span);
          const spliced = splice(body, [{ ...span, replacement: Buffer.from(JSON.stringify(after)) }]);
          assert.deepEqual(JSON.parse(spliced.toString()), JSON.parse(JSON.stringify({ ...object, model: after })));
        },
      ),
    );
  });

  test("refuses edits that overlap or lie outside", () => {
    const body = Buffer.from("0123456789");
    const edit = (start: number, end: number) => ({ start, end, replacement: Buffer.from("x") });
    for (const edits of [[edit(2, 5), edit(4, 6)], [edit(9, 11)], [edit(5, 4)]]) {
      assert.throws(() => splice(body, edits), RangeError);
      assert.throws(() => spliceInPlace(body, edits), RangeError);
    }
    assert.equal(splice(body, [edit(4, 4), edit(2, 4)]).toString(), "01xx456789");
  });
});

describe("splice in place", () => {
  /** Edits that do not overlap, from places and lengths. */
  function editsOf(size: number, cuts: readonly (readonly [number, number, string])[]): Edit[] {
    let last = 0;
    const edits: Edit[] = [];
    for (const [place, length, text] of cuts.toSorted((one, other) => one[0] - other[0])) {
      const start = Math.max(last, place % (size + 1));
      last = Math.min(size, start + length);
      edits.push({ start, end: last, replacement: Buffer.from(text) });
    }
    return edits;
  }

  const cut = fc.tuple(fc.nat(60_000), fc.nat(300), fc.string({ maxLength: 300 }));

  test("gives the same bytes as in a copy, and touches nothing but its own", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 5 }), fc.nat(40_000), fc.boolean(), async (cuts, size, joined) => {
        const content = Buffer.alloc(size, "0123456789abcdef");
        const edits = editsOf(size, cuts);
        const expected = splice(content, edits);
        const around = Buffer.alloc(size + 2_000, "#");
        content.copy(around, 1_000);
        const slice = around.subarray(1_000, 1_000 + size);
        const half = Math.floor(size / 2);
        const bytes = joined ? join([content.subarray(0, half), content.subarray(half)]) : slice;
        assert.ok((await spliceInPlace(bytes, edits)).equals(expected));
        assert.equal(around.toString("latin1", 0, 1_000), "#".repeat(1_000));
        assert.equal(around.toString("latin1", 1_000 + size), "#".repeat(1_000));
      }),
      { numRuns: 500 },
    );
  });

  test("leaves the bulk of a large body where it is", async () => {
    const body = join([Buffer.from('{"model":"short","text":"'), Buffer.alloc(500_000, "x"), Buffer.from('"}')]);
    const edits = [{ start: 9, end: 16, replacement: Buffer.from('"a much longer name"') }];
    const result = await spliceInPlace(body, edits);
    assert.equal(result.buffer, body.buffer);
    assert.equal(result.toString("latin1", 0, 40), '{"model":"a much longer name","text":"xx');
  });

  test("copies a large body in slices where it is changed far behind, and lets others in between", async () => {
    const bytes = Buffer.alloc(3 * sliceBytes + 5, "0123456789abcdef");
    const edits = [bytes.length - 1, 5, sliceBytes, 2 * sliceBytes - 3].map((start) => ({
      start,
      end: start + 1,
      replacement: Buffer.from("new"),
    }));
    let turns = 0;
    const count = (): void => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const spliced = spliceInPlace(bytes, edits);
    assert.ok(spliced instanceof Promise);
    assert.ok((await spliced).equals(splice(bytes, edits)));
    clearImmediate(counting);
    assert.ok(turns >= 3, `${turns} turns`);
    const chunks = [bytes.subarray(0, 7), Buffer.alloc(0), bytes.subarray(7)];
    assert.ok((await joinInSlices(chunks)).equals(bytes));
    assert.equal((await joinInSlices([])).length, 0);
  });
});
