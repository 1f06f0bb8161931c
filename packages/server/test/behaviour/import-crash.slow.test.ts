import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { run as runCommand } from "../../src/cli/test/terminal.ts";
import { configNames } from "../../src/settings.ts";
import { temporaryHome } from "../support/gateway.ts";
import { serve, type GatewayProcess } from "../support/process.ts";

const credentials = 120;
const callers = 60;
const rounds = 6;

/** A one-api database with one channel of many keys, and many tokens. */
function database(path: string): string {
  const file = new DatabaseSync(path);
  file.exec(readFileSync(new URL("../fixtures/import/one-api.sql", import.meta.url), "utf8"));
  file.exec("delete from channels; delete from tokens");
  const keys = Array.from({ length: credentials }, (_, index) => `sk-crash-canary-${index}-${"0".repeat(20)}`);
  file
    .prepare("insert into channels (type, key, status, name, base_url, models) values (50, ?, 1, 'House', ?, 'gpt-4o')")
    .run(keys.join("\n"), "https://llm.example.com");
  const insert = file.prepare(
    "insert into tokens (user_id, key, status, name, unlimited_quota) values (1, ?, ?, ?, 1)",
  );
  for (let index = 0; index < callers; index++) insert.run(`old-${index}`, index % 2 === 0 ? 1 : 2, `caller ${index}`);
  file.close();
  return path;
}

test("an import whose gateway is killed at any instant is completed by the next, and nothing comes twice", async () => {
  const home = temporaryHome();
  const source = database(join(temporaryHome(), "one-api.db"));
  let gate: GatewayProcess | undefined;
  const attempt = (url: string, keysFile: string) =>
    runCommand(["vault", "import", source, "--json", "--keys-to", keysFile], {
      environment: {
        PORTCULLIS_URL: url,
        PORTCULLIS_ADMIN_TOKEN: readFileSync(join(home, "admin.token"), "utf8").trim(),
      },
      parts: { configNames },
    });
  let interrupted = 0;
  for (let round = 0; round < rounds; round++) {
    gate = await serve({ home });
    const running = attempt(gate.url, join(home, `keys-${round}.jsonl`));
    await wait(60 + 110 * round);
    await gate.kill();
    if ((await running).code !== 0) interrupted += 1;
  }
  assert.ok(interrupted >= 2, `only ${interrupted} of ${rounds} runs were interrupted`);
  gate = await serve({ home });
  const last = await attempt(gate.url, join(home, "keys-last.jsonl"));
  assert.equal(last.code, 0, last.stdout + last.stderr);
  const stored = (await gate.admin.call(endpoints.credentials.list, { query: { provider: "house", limit: 500 } })).data;
  assert.equal(stored.length, credentials);
  assert.equal(new Set(stored.map(({ label }) => label)).size, credentials);
  const { data: keys } = await gate.admin.call(endpoints.keys.list, { query: { limit: 500 } });
  assert.equal(keys.length, callers);
  assert.equal(keys.filter(({ status }) => status === "disabled").length, callers / 2);
  const again = JSON.parse((await attempt(gate.url, join(home, "keys-again.jsonl"))).stdout) as Record<string, unknown>;
  assert.deepEqual([again["imported"], again["failed"]], [0, 0]);
  await gate.stop();
});
