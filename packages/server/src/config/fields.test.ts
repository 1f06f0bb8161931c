import assert from "node:assert/strict";
import { test } from "node:test";
import {
  duration,
  isBaseUrl,
  isHeaderName,
  isHost,
  isKmsKey,
  isLoopback,
  isProviderId,
  isReference,
  isStorageUrl,
  isTransitKey,
  isWebOrigin,
} from "./fields.ts";

function expectAll(accepts: (value: string) => boolean, good: readonly string[], bad: readonly string[]): void {
  for (const value of good) assert.ok(accepts(value), `${value} should be accepted`);
  for (const value of bad) assert.ok(!accepts(value), `${value} should be refused`);
}

test("a host is an address or a name, and nothing around it", () => {
  expectAll(
    isHost,
    ["127.0.0.1", "::1", "localhost", "a-b.example.com", "0.0.0.0"],
    ["", "a:80", "http://a", "[::1]", "a/b", "-a", "a..b", "*", "a b", "a\n"],
  );
});

test("loopback is what only this machine can reach", () => {
  expectAll(
    isLoopback,
    ["127.0.0.1", "127.255.255.254", "::1", "localhost", "::ffff:127.0.0.1"],
    ["0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost.example.com", "127.1", "", "::ffff:10.0.0.1"],
  );
});

test("a web origin is written as a browser sends it", () => {
  expectAll(
    isWebOrigin,
    ["https://a.example", "http://localhost:3000"],
    [
      "*",
      "null",
      "https://a.example/",
      "https://A.example",
      "https://a.example:443",
      "a.example",
      "file:///x",
      "https://u@a.example",
    ],
  );
});

test("a base URL means exactly what it says", () => {
  expectAll(
    isBaseUrl,
    [
      "https://api.example.com",
      "https://api.example.com/v1/",
      "http://10.0.0.5:8000",
      "https://[::1]:443/a/b",
      "HTTPS://A.example",
    ],
    [
      "api.example.com",
      "ftp://a",
      "https://",
      "https://u:p@a",
      "https://a?x",
      "https://a#x",
      "https://a/../b",
      "https://a/.",
      "https://a\\b",
      "https://a b",
      "https://a:99999",
      "https://ä.example",
      "file:///etc/passwd",
      `https://a/${"x".repeat(600)}`,
    ],
  );
});

test("a reference names a variable, a file or a place in a source, and never a secret of our own", () => {
  expectAll(
    isReference,
    ["env:OPENAI_API_KEY", "env:_a1", "file:/run/secrets/key", "vault:secret/a#b", "aws:a", "op:a/b/c"],
    [
      "sk-123",
      "env:",
      "env:A-B",
      "env:1A",
      "env: A",
      "ENV:A",
      "file:key",
      "file:",
      "vault:a",
      "env:PORTCULLIS_ROOT_KEY",
      "env:PORTCULLIS_ADMIN_TOKEN",
      "",
    ],
  );
});

test("a key that unlocks the vault is named as its service names it, and leads nowhere else", () => {
  expectAll(
    isTransitKey,
    ["transit/portcullis", "team/a/transit/key-1", "t/k.v2"],
    [
      "",
      "portcullis",
      "/portcullis",
      "transit/",
      "transit//key",
      "../sys/seal",
      "transit/../key",
      "transit/a?b",
      "t/a b",
    ],
  );
  const id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  const arn = "arn:aws:kms:eu-central-1:111122223333";
  expectAll(
    isKmsKey,
    [id, `mrk-${"0".repeat(32)}`, "alias/portcullis", `${arn}:key/${id}`, `${arn}:alias/team/portcullis`],
    ["", "portcullis", "alias/", `key/${id}`, "arn:aws:s3:::bucket", `${arn}:key/`, "alias/a b", `${id}\n`],
  );
});

test("a storage URL is one of the two databases", () => {
  expectAll(
    isStorageUrl,
    ["sqlite:", "sqlite:/var/lib/p.db", "postgres://u:p@h:5432/d", "postgresql://h/d?sslmode=require"],
    [
      "",
      "sqlite:p.db",
      "sqlite",
      "mysql://h/d",
      "postgres:h",
      "postgres://h:99999/d",
      "postgres://h /d",
      "/var/lib/p.db",
    ],
  );
});

test("headers that authenticate, frame or route cannot be declared", () => {
  expectAll(
    isHeaderName,
    ["x-team", "OpenAI-Organization", "anthropic-beta"],
    [
      "Authorization",
      "X-API-Key",
      "api-key",
      "x-goog-api-key",
      "cookie",
      "Host",
      "content-length",
      "Transfer-Encoding",
      "proxy-authorization",
      "connection",
      "a b",
      "a:",
      "",
      "ä",
    ],
  );
});

test("a provider id stands before the slash of a model", () => {
  expectAll(
    isProviderId,
    ["groq", "my-box.lan", "a", "1_2"],
    ["", "-a", "a-", "A", "a/b", "a b", "__proto__", "x".repeat(65)],
  );
});

test("a duration has a unit and stays below what a timer can hold", () => {
  const field = duration("1s", "24h");
  const timerLimitMs = 2 ** 31 - 1;
  for (const [text, ms] of Object.entries({
    "1s": 1_000,
    "90s": 90_000,
    "5m": 300_000,
    "1500ms": 1_500,
    "24h": 86_400_000,
  })) {
    assert.equal(field.parse(text), ms);
    assert.ok(ms <= timerLimitMs);
  }
  for (const text of ["", "0s", "999ms", "25h", "5", "5 m", "-5s", "1.5h", "1h30m", "5M", "999999999w", 300, null]) {
    assert.ok(!field.safeParse(text).success, String(text));
  }
});
