import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowedAddress, isAllowedOrigin } from "./addresses.ts";

/** First and last address of every range that is not for everybody, from the IANA registries; private ones are marked. */
const special: readonly (readonly [first: string, last: string, isPrivate?: "private"])[] = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255", "private"],
  ["100.64.0.0", "100.127.255.255", "private"],
  ["127.0.0.0", "127.255.255.255", "private"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255", "private"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.31.196.0", "192.31.196.255"],
  ["192.52.193.0", "192.52.193.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255", "private"],
  ["192.175.48.0", "192.175.48.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "239.255.255.255"],
  ["240.0.0.0", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1", "private"],
  ["::ffff:127.0.0.1", "::ffff:7fff:ffff", "private"],
  ["64:ff9b::10.0.0.0", "64:ff9b::aff:ffff", "private"],
  ["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  ["100::", "100::ffff:ffff:ffff:ffff"],
  ["100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"],
  ["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2002:7f00::", "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff", "private"],
  ["2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"],
  ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"],
  ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  // Assigned to nobody, or no longer in use.
  ["::2", "::fffe:ffff:ffff"],
  ["::7f00:1", "::ffff:0:7f00:1"],
  ["4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["6000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

for (const [first, last, isPrivate] of special) {
  test(`no connection to ${first} … ${last}${isPrivate === undefined ? "" : " but for a private provider"}`, () => {
    for (const address of [first, last]) {
      assert.equal(isAllowedAddress(address, false), false, address);
      assert.equal(isAllowedAddress(address, true), isPrivate !== undefined, address);
    }
  });
}

/** Where clouds serve instance credentials, and each IPv4 one of them again inside IPv6. */
const metadata = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"];

test("no connection to a metadata address, whatever a provider is marked as", () => {
  const inside = metadata.flatMap((address) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
    const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16));
    return [`::ffff:${address}`, `64:ff9b::${address}`, `2002:${groups.join(":")}::`];
  });
  for (const address of [...metadata, ...inside, "fd00:ec2::254", "FD00:0EC2:0:0:0:0:0:254", "fd20:ce::254"]) {
    assert.equal(isAllowedAddress(address, true), false, address);
    assert.equal(isAllowedAddress(address, false), false, address);
  }
});

test("public addresses are allowed, up to the edges of the ranges that are not", () => {
  const edges = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
  ];
  const more = ["172.15.255.255", "172.32.0.0", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"];
  const ipv6 = ["2606:4700::6810:84e5", "2001:200::", "2001:db7::1", "2001:db9::", "2003::1", "3ffe::1"];
  const carried = ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"];
  for (const address of ["1.1.1.1", "160.79.104.10", ...edges, ...more, ...ipv6, ...carried]) {
    assert.equal(isAllowedAddress(address, false), true, address);
  }
});

test("what is no IP literal is never allowed", () => {
  const texts = [
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "1.1.1.1:80",
    "[::1]",
    "::1%lo",
    "1.1.1.1.",
    " 1.1.1.1",
  ];
  for (const text of texts) assert.equal(isAllowedAddress(text, true), false, text);
});

test("an origin is https, and http only where private addresses are allowed", () => {
  assert.equal(isAllowedOrigin("https://api.example.com", false), true);
  assert.equal(isAllowedOrigin("http://api.example.com", false), false);
  assert.equal(isAllowedOrigin("http://box:11434", true), true);
  for (const origin of ["ftp://api.example.com", "ws://box", "unix:///run/socket", "file:///etc"]) {
    assert.equal(isAllowedOrigin(origin, true), false, origin);
  }
});

test("an origin is no metadata service, by name or address, however it is written", () => {
  const hosts = ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data", "metadata.goog"];
  const addresses = [
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:a9fe:a9fe]",
    "169.254.43518",
    "169.254.169.254.",
  ];
  for (const host of [...hosts, ...addresses]) {
    assert.equal(isAllowedOrigin(`http://${host}`, true), false, host);
    assert.equal(isAllowedOrigin(`https://${host}:8443`, true), false, host);
  }
});
