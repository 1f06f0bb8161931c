/*
 * In a process of its own, as slow tests are: where others have kept many requests for long, V8 takes to making them where those
 * that last are kept.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapSpaceStatistics } from "node:v8";
import { fakeClock } from "../kernel/clock.ts";
import { Journal } from "./journal.ts";
import type { OpenRequest } from "./segment.ts";
import { endOf, startOf, temporaryDirectory } from "./test-parts.ts";

const mebibyte = 1_048_576;

/** Where V8 puts what has outlived two young collections: there it stays until the next full one. */
function oldSpaceBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "old_space")?.space_used_size ?? Number.NaN;
}

test("requests that come and go leave nothing behind in the old generation", (t) => {
  const journal = new Journal({
    directory: temporaryDirectory(t),
    maxBytes: 256 * mebibyte,
    segmentBytes: mebibyte,
    clock: fakeClock(),
  });
  const open: { id: string; request: OpenRequest }[] = [];
  const pass = (count: number): void => {
    for (let index = 0; index < count; index++) {
      const id = `r${index}`;
      open.push({ id, request: journal.start(startOf(id)) });
      const oldest = open.length > 3 ? open.shift() : undefined;
      if (oldest !== undefined) journal.end(oldest.request, endOf(oldest.id));
    }
  };
  pass(5_000); // so that what is compiled and grows once has done so
  const before = oldSpaceBytes();
  pass(40_000);
  const grownBytes = oldSpaceBytes() - before;
  assert.ok(grownBytes < 2 * mebibyte, `40,000 requests left ${grownBytes} bytes`);
});
