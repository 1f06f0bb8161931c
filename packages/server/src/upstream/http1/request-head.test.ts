import assert from "node:assert/strict";
import { test } from "node:test";
import { requestHead } from "./request-head.ts";

const post = { method: "POST", path: "/v1/messages?beta=true", headers: ["x-one", "1", "X-Two", "zwei ü"] };

test("a head names host, framing and what it was given, in that order", () => {
  assert.equal(
    requestHead(post, "api.example:8443", 12),
    "POST /v1/messages?beta=true HTTP/1.1\r\nhost: api.example:8443\r\nconnection: keep-alive\r\n" +
      "x-one: 1\r\nX-Two: zwei ü\r\ncontent-length: 12\r\n\r\n",
  );
  assert.ok(!requestHead({ ...post, method: "GET" }, "a", null).includes("content-length"));
});

test("nothing that could end a line or begin another request gets into it", () => {
  const ends = ["\r", "\n", "\r\n", "\0", "\u2028", "č"];
  for (const end of ends) {
    const parts = [
      { ...post, path: `/v1${end}x` },
      { ...post, headers: [`x${end}`, "y"] },
      { ...post, headers: ["x", `y${end}z: w`] },
    ];
    for (const head of parts) assert.throws(() => requestHead(head, "a", 0), TypeError, JSON.stringify(head));
  }
  for (const path of ["", "v1", "http://other/", "/a b", "*"]) {
    assert.throws(() => requestHead({ ...post, path }, "a", 0), TypeError, path);
  }
});

test("framing is not to be given: there would be two of it", () => {
  for (const name of ["Host", "content-length", "Transfer-Encoding", "connection", "", "a b", "a:"]) {
    assert.throws(() => requestHead({ ...post, headers: [name, "1"] }, "a", 0), TypeError, name);
    assert.throws(() => requestHead({ ...post, headers: [name, "1"] }, "a", 0), TypeError, `${name} again`);
  }
});
