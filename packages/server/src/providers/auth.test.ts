import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { authHeaders, basic, bearer, header, parseKey } from "./auth.ts";

const key = new Secret("sk-test-1234567890");

test("a key is shown as its provider wants it", () => {
  assert.deepEqual(authHeaders(bearer(), key), { authorization: "Bearer sk-test-1234567890" });
  assert.deepEqual(authHeaders(header("x-api-key"), key), { "x-api-key": "sk-test-1234567890" });
  const password = new Secret("user:pässword");
  assert.deepEqual(authHeaders(basic(), password), { authorization: "Basic dXNlcjpww6Rzc3dvcmQ=" });
  assert.deepEqual(authHeaders(bearer(), undefined), {});
});

test("white space that came along with a key is dropped", () => {
  assert.equal(parseKey(new Secret("  sk-test-1234567890\r\n")).reveal(), key.reveal());
});

test("a key that a header cannot carry is refused, without being repeated", () => {
  const bad = [
    "",
    " \n",
    "sk-a\nx-evil: 1",
    "sk-a\r\nb",
    "sk a",
    "sk-\u00e4",
    "sk-\u0000",
    "\u201csk-a\u201d",
    `sk-${"a".repeat(9000)}`,
  ];
  for (const text of bad) {
    assert.throws(
      () => parseKey(new Secret(text)),
      (error) => error instanceof AppError && error.code === "invalid_request" && !error.message.includes("sk-"),
      JSON.stringify(text),
    );
  }
});
