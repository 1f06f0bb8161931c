import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Report } from "../support/egress-attack.ts";
import { networkObstacle, runInOwnNetwork } from "../support/own-network.ts";

/*
 * Nobody gets the gateway to connect where it must not: not by an address in any spelling, a name, a resolver that
 * changes its mind, a redirect, a header or a field. It runs in a network in which every address leads to a listener of
 * the test, so what is counted is connections, not refusals.
 */

const attack = fileURLToPath(new URL("../support/egress-attack.ts", import.meta.url));

test("no connection to a forbidden address, in any spelling, through any channel", {
  skip: networkObstacle(),
}, async (t) => {
  const printed = await runInOwnNetwork(attack);
  const report = JSON.parse(printed.trim().split("\n").at(-1) ?? "") as Report;
  const { attempts, breaches, allowed, countable, spellings, ranges } = report;
  assert.deepEqual(breaches.slice(0, 20), []);

  assert.ok(spellings >= 20 && ranges >= 28, `${spellings} spellings, ${ranges} ranges`);
  assert.ok(countable.length >= 20, `the listener counts connections to ${countable.join(", ")} only`);
  assert.ok(allowed > 0, "a name that may be connected to at first was never connected to: nothing was tried");
  for (const [channel, { tried, accepted }] of Object.entries(attempts)) {
    assert.ok(tried >= 20, `${channel} was tried ${tried} times only`);
    t.diagnostic(`${channel}: ${tried} attempts, ${accepted} accepted`);
  }
  const tried = Object.values(attempts).reduce((sum, one) => sum + one.tried, 0);
  t.diagnostic(
    `${tried} attempts, ${spellings} spellings × ${ranges} ranges: 0 connections; ${allowed} to the public address`,
  );
  t.diagnostic(
    `connections to ${countable.length} of the forbidden addresses are counted when nothing stands in between`,
  );
});
