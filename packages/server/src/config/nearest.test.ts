import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

const keys = ["host", "port", "allowed_hosts", "body_limit_bytes", "keep_alive"];

test("a slip of the keyboard finds the word that was meant", () => {
  assert.equal(nearest("prot", keys), "port");
  assert.equal(nearest("Port", keys), "port");
  assert.equal(nearest("pot", keys), "port");
  assert.equal(nearest("ports", keys), "port");
  assert.equal(nearest("allow_hosts", keys), "allowed_hosts");
  assert.equal(nearest("bodylimitbytes", keys), "body_limit_bytes");
});

test("a different word finds nothing rather than something else", () => {
  for (const word of ["", "x", "idle", "tls", "services"]) assert.equal(nearest(word, keys), undefined, word);
});
