import assert from "node:assert/strict";
import test from "node:test";
import { formatCsv } from "./csv.ts";

test("cells are quoted where they must be, and nothing is empty", () => {
  const rows = [{ user: 'a "b", c', cost: 1.5, team: null }];
  assert.equal(formatCsv(["user", "cost", "team"], rows), 'user,cost,team\r\n"a ""b"", c",1.5,\r\n');
});

test("a name that a spreadsheet would run as a formula is made harmless", () => {
  for (const name of ["=cmd|' /C calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]) {
    const [, cell = ""] = formatCsv(["user"], [{ user: name }]).split("\r\n", 2);
    assert.match(cell, /^"?'/, name);
  }
});

test("numbers stay numbers, negative ones too", () => {
  assert.equal(formatCsv(["n"], [{ n: -1 }]), "n\r\n-1\r\n");
});
