import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";

test("a key revoked while a request's body is on its way does not reach the provider", async () => {
  const gate = await openGate();
  const { id, key } = await gate.createKey();
  const body = JSON.stringify({ model: "sim-chat/x", messages: [{ role: "user", content: "hello" }] });
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "content-length": body.length,
    };
    const call = request(`${gate.url}/v1/chat/completions`, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.write(body.slice(0, 10));
    setImmediate(() => {
      gate.admin
        .call(endpoints.keys.disable, { params: { id } })
        .then(() => call.end(body.slice(10)))
        .catch(reject);
    });
  });
  assert.equal(status, 401);
  assert.equal(gate.simulator.requests.filter((each) => each.path.includes("chat")).length, 0);
});

test("a caller that leaves before its request is sent causes no call upstream", async () => {
  const gate = await openGate();
  await new Promise<void>((resolve) => {
    const headers = { authorization: `Bearer ${gate.key}`, "content-type": "application/json", "content-length": 100 };
    const call = request(`${gate.url}/v1/chat/completions`, { method: "POST", headers });
    call.on("error", () => resolve());
    call.write("{");
    setTimeout(() => call.destroy(), 50);
  });
  assert.equal((await gate.get("/healthz")).status, 200);
  assert.equal(gate.simulator.requests.length, 0);
});
