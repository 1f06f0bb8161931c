import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { ask, dialectIds, lastRow, normalEnd, openStream, until } from "./ask.ts";
import { openGate } from "../support/gateway.ts";

test("sealing cuts what is under way, and refuses what comes, in each dialect; unsealing takes both back", async () => {
  const gate = await openGate();
  const script = { paceMs: 50, deltas: 200 };
  const streams = await Promise.all(dialectIds.map((dialect) => openStream(gate, dialect, { script })));
  for (const stream of streams) await until("the stream has begun", () => stream.text() !== "");

  assert.equal((await gate.admin.call(endpoints.vault.seal)).state, "sealed");
  for (const stream of streams) {
    await stream.over;
    assert.doesNotMatch(stream.text(), normalEnd);
  }
  assert.equal((await lastRow(gate)).error_code, "vault_sealed");
  await until("the provider is told", () => gate.simulator.requests.every((request) => request.aborted));
  for (const dialect of dialectIds) {
    const refused = await ask(gate, dialect);
    assert.equal(refused.status, 503);
    assert.match(refused.body.toString(), /vault/);
  }
  assert.equal((await gate.get("/readyz")).status, 503);
  assert.equal((await gate.get("/healthz")).status, 200);

  assert.equal((await gate.admin.call(endpoints.vault.unseal, { input: {} })).state, "unsealed");
  for (const dialect of dialectIds) assert.equal((await ask(gate, dialect)).status, 200, dialect);
});
