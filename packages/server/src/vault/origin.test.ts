import assert from "node:assert/strict";
import { test } from "node:test";
import { sealableOrigins } from "./origin.ts";

test("origins are sorted, each once", () => {
  const [a, b] = ["https://a.example:443", "https://b.example:8443"];
  assert.deepEqual(sealableOrigins([b, a, b]), [a, b]);
  assert.deepEqual(sealableOrigins(["http://127.0.0.1:11434", "http://[::1]:80"]), [
    "http://127.0.0.1:11434",
    "http://[::1]:80",
  ]);
  assert.deepEqual(sealableOrigins([]), []);
});

test("an origin in any other spelling is refused, so that two never mean the same", () => {
  const others = [
    "https://a.example",
    "https://A.example:443",
    "https://a.example:443/",
    "https://a.example:0443",
    "HTTPS://a.example:443",
  ];
  others.push("https://u@a.example:443", "a.example:443", "ftp://a.example:21", "https://a.example.:443 ", "null", "");
  for (const other of others) assert.throws(() => sealableOrigins([other]), TypeError, other);
});
