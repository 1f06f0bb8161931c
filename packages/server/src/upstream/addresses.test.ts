import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowedAddress } from "./addresses.ts";

/** One address of every range that is not globally routable unicast (RFC 6890 and the clouds' own pages). */
const forbidden = [
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.168.1.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "100.100.100.200",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "2002:7f00:1::",
  "100::1",
  "2001:db8::1",
  "2001::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "ff02::1",
];

for (const address of forbidden) {
  test(`no connection to ${address}`, () => assert.equal(isAllowedAddress(address, false), false));
}

test("public addresses are allowed", () => {
  for (const address of ["1.1.1.1", "160.79.104.10", "2606:4700::6810:84e5", "::ffff:1.1.1.1"]) {
    assert.equal(isAllowedAddress(address, false), true, address);
  }
});

test("a private provider may be on loopback and private ranges, never on a metadata or link-local address", () => {
  for (const address of ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fc00::1"]) {
    assert.equal(isAllowedAddress(address, true), true, address);
  }
  for (const address of [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "169.254.0.1",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "::ffff:169.254.169.254",
  ]) {
    assert.equal(isAllowedAddress(address, true), false, address);
  }
});

test("what is no IP literal is never allowed", () => {
  for (const text of ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.1.1.1:80", "[::1]"]) {
    assert.equal(isAllowedAddress(text, true), false, text);
  }
});
