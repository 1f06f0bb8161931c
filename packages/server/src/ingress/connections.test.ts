import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceOf } from "./connections.ts";

test("addresses of one IPv6 network count as one caller, however they are written", () => {
  const same = ["2001:db8::1", "2001:db8:0:0:1:2:3:4", "2001:db8::5:6:7:8", "2001:db8:0:0:ffff::"];
  assert.deepEqual(new Set(same.map(sourceOf)).size, 1);
  const others = ["2001:db8:0:1::1", "2001:db9::1", "::1", "1::5:6:7:8:9:a", "fe80::1"];
  assert.equal(new Set([...same, ...others].map(sourceOf)).size, 1 + others.length);
});

test("an IPv4 address counts for itself, also where a socket for both shows it as one of IPv6", () => {
  assert.equal(sourceOf("192.0.2.7"), "192.0.2.7");
  assert.notEqual(sourceOf("::ffff:192.0.2.7"), sourceOf("::ffff:192.0.2.8"));
});
