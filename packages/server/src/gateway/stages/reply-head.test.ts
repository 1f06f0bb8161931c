import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsToWait } from "./reply-head.ts";

test("how long to wait is read in seconds or as a date, and nonsense is none", () => {
  const nowMs = Date.UTC(2026, 10, 21, 12, 0, 0);
  const read = (header: string): number | undefined => secondsToWait(header, nowMs);
  assert.equal(read("7"), 7);
  assert.equal(read("0.2"), 1);
  assert.equal(read("Sat, 21 Nov 2026 12:01:30 GMT"), 90);
  for (const odd of ["", "0", "-5", "soon", "Infinity", "1e300", "0x10", "Sat, 21 Nov 2026 11:00:00 GMT"])
    assert.equal(read(odd), undefined, odd);
  assert.equal(secondsToWait(undefined, nowMs), undefined);
  assert.equal(secondsToWait(["1", "2"], nowMs), undefined);
});
