import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { nameInAddress } from "./name-in-address.ts";

test("a name leads to no other place and begins no query", () => {
  assert.equal(nameInAddress("models/gemini-3:tuned"), "models/gemini-3:tuned");
  assert.equal(nameInAddress("a?key=b#c"), "a%3Fkey=b%23c");
  assert.equal(nameInAddress("a%2e%2e%2fb\\c\r\nd é"), "a%252e%252e%252fb%5Cc%0D%0Ad%20%C3%A9");
  for (const odd of ["", ".", "..", "../x", "a/../b", "a//b", "a/", "/a", "a\ud800"])
    assert.throws(
      () => nameInAddress(odd),
      (thrown) => thrown instanceof AppError && thrown.code === "invalid_request",
      JSON.stringify(odd),
    );
});
