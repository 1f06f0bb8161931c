import assert from "node:assert/strict";
import { test } from "node:test";
import { scheduleOf } from "./schedule.ts";

test("requests are due evenly from the start, as many as the rate makes in the time", () => {
  const schedule = scheduleOf(500, 200, 3);
  assert.equal(schedule.total, 600);
  assert.equal(schedule.dueAt(0), 500);
  assert.equal(schedule.dueAt(1), 505);
  assert.equal(schedule.dueAt(599), 3_495);
});

test("a schedule has one request at least", () => {
  assert.equal(scheduleOf(0, 0.1, 1).total, 1);
});
