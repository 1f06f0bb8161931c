import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyReader, streamReader } from "../test-parts.ts";

test("a reply of openai-responses says what it can be asked for by, whole or streamed", () => {
  const id = "resp_67c9fdcecf488190bdd9a0409de3a1ec";
  const body = bodyReader("openai-responses");
  body.push(Buffer.from(`{"id":"${id}","object":"response","status":"completed","output":[]}`));
  assert.equal(body.end().responseId, id);
  const stream = streamReader("openai-responses");
  stream.push(Buffer.from(`data: {"type":"response.created","response":{"id":"${id}","status":"in_progress"}}\n\n`));
  assert.equal(stream.end().responseId, id, "also if it breaks off behind its first event");
});
