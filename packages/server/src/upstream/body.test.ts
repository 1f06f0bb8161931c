import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { sentOnce } from "./body.ts";
import { httpUpstream, sendTo, testConnector } from "./test-parts.ts";

async function echo(): Promise<number> {
  return httpUpstream(async (request, response) => {
    const bytes = await buffer(request);
    response.setHeader("x-length", request.headers["content-length"] ?? "none");
    response.setHeader("x-port", String(request.socket.remotePort));
    response.end(bytes);
  });
}

describe("a body of bytes", () => {
  test("arrives as it is, with its length ahead of it, whatever its size; its connection is used again", async () => {
    const port = await echo();
    const connector = testConnector();
    const ports = new Set<unknown>();
    for (const sizeBytes of [1, 16 * 1024 - 1, 16 * 1024, 200_000, 3_000_000]) {
      const bytes = Buffer.alloc(sizeBytes, "0123456789abc");
      const { how, headers, body } = await sendTo(connector, port, { body: sentOnce(Buffer.from(bytes)) }).over;
      assert.equal(how, "end");
      assert.equal(headers["x-length"], String(sizeBytes));
      assert.ok(body.equals(bytes), `${sizeBytes} bytes`);
      ports.add(headers["x-port"]);
    }
    assert.equal(ports.size, 1);
  });

  test("that cannot be sent fails as any request does", async () => {
    const { how } = await sendTo(testConnector(), 1, { body: sentOnce(Buffer.alloc(200_000)) }).over;
    assert.equal(how, "upstream_unreachable");
  });
});
