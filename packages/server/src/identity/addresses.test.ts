import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAddressList } from "./addresses.ts";

test("an address list takes addresses and ranges of both families", () => {
  const allows = compileAddressList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  assert.ok(allows("10.1.2.3"));
  assert.ok(allows("192.0.2.7"));
  assert.ok(allows("2001:db8:1::1"));
  assert.ok(allows("::ffff:10.1.2.3"), "an IPv4-mapped address is the IPv4 address");
  for (const foreign of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "", "localhost", "10.1.2.3, 1.2.3.4"]) {
    assert.ok(!allows(foreign), foreign);
  }
});

test("an entry that is no address is refused with its text", () => {
  for (const entry of ["example.com", "10.0.0.0/33", "", "10.0.0.0/8 ", "1.2.3"]) {
    assert.throws(() => compileAddressList([entry]), { code: "invalid_request" }, entry);
  }
});
