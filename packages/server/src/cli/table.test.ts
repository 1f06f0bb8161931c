import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatRecord, formatTable, type Column } from "./table.ts";
import { textWidth } from "./text-width.ts";

interface Row {
  readonly name: string;
  readonly count: number | null;
}

const columns: readonly Column<Row>[] = [
  { heading: "NAME", value: (row) => row.name },
  { heading: "COUNT", value: (row) => row.count, align: "right" },
];

test("columns are as wide as their widest cell, numbers stand to the right, nothing is a dash", () => {
  const table = formatTable(
    columns,
    [
      { name: "李雷", count: 12 },
      { name: "longer", count: null },
    ],
    80,
  );
  assert.equal(table, "NAME    COUNT\n李雷       12\nlonger      -\n");
});

test("no line of a table is wider than the terminal", () => {
  const row = fc.record({ name: fc.string({ unit: "grapheme", maxLength: 80 }), count: fc.option(fc.integer()) });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 14, max: 60 }), (rows, width) => {
      for (const line of formatTable(columns, rows, width).trimEnd().split("\n"))
        assert.ok(textWidth(line) <= width, line);
    }),
  );
});

test("a name with a line break does not make a second row", () => {
  const table = formatTable(columns, [{ name: "a\nfake  7", count: 1 }], 80);
  assert.equal(table.trimEnd().split("\n").length, 2);
});

test("a record shows yes and no, and a dash for what is not there", () => {
  assert.equal(
    formatRecord({ id: "x", "own provider": true, label: null }),
    "id            x\nown provider  yes\nlabel         -\n",
  );
});
