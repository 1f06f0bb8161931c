import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { run as runCommand } from "../../src/cli/test/terminal.ts";
import { configNames } from "../../src/settings.ts";
import { openGate, send, temporaryHome, type Gate } from "../support/gateway.ts";

/*
 * The command line against a whole gateway: what comes out of every kind of source, what works with it afterwards, and
 * what is written down nowhere.
 */

const fixtures = new URL("../fixtures/import/", import.meta.url).pathname;
const directory = temporaryHome();

interface Report {
  readonly imported: number;
  readonly present: number;
  readonly skipped: number;
  readonly failed: number;
  readonly items: readonly {
    readonly place: string;
    readonly kind: string;
    readonly outcome: string;
    readonly reason: string | null;
  }[];
}

async function importInto(
  gate: Gate,
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdin = "",
) {
  const token = gate.gateway.adminToken.reveal();
  const { code, stdout, stderr } = await runCommand(["vault", "import", ...argv, "--json"], {
    environment: { PORTCULLIS_URL: gate.gateway.adminUrl, PORTCULLIS_ADMIN_TOKEN: token, ...environment },
    stdin,
    parts: { configNames },
  });
  assert.notEqual(stdout, "", stderr);
  return { code, report: JSON.parse(stdout) as Report, text: stdout + stderr };
}

function copyOf(name: string): string {
  const path = join(directory, name);
  copyFileSync(fixtures + name, path);
  return path;
}

function databaseOf(name: string): string {
  const path = join(directory, name.replace(".sql", ".db"));
  const database = new DatabaseSync(path);
  database.exec(readFileSync(fixtures + name, "utf8"));
  database.close();
  return path;
}

const digest = (path: string) => [
  createHash("sha256").update(readFileSync(path)).digest("hex"),
  statSync(path).mtimeMs,
];

test("every kind of source comes in, a second run brings nothing, the originals stay as they were", async () => {
  const gate = await openGate();
  const sources = [
    copyOf("settings.env"),
    copyOf("litellm.yaml"),
    copyOf("claude-code-router.json"),
    copyOf("keys.json"),
    databaseOf("one-api.sql"),
    databaseOf("new-api.sql"),
    "env",
  ];
  const environment = { OPENAI_API_KEY: "sk-environment-canary", PERPLEXITY_API_KEY: "pplx-environment-canary" };
  for (const source of sources) {
    const before = source === "env" ? [] : digest(source);
    const keysTo = (number: number) => ["--keys-to", join(directory, `${source.replaceAll("/", "_")}-${number}.jsonl`)];
    const dry = await importInto(gate, [source, "--dry-run"], environment);
    const first = await importInto(gate, [source, ...keysTo(1)], environment);
    const second = await importInto(gate, [source, ...keysTo(2)], environment);
    const kinds = (report: Report) => report.items.map(({ place, kind, outcome }) => `${place} ${kind} ${outcome}`);
    assert.deepEqual(kinds(dry.report), kinds(first.report), `${source}: the dry run foresees the real one`);
    assert.ok(first.report.imported > 0, source);
    assert.equal(second.report.imported, 0, source);
    assert.equal(second.report.present, first.report.imported + first.report.present, source);
    assert.equal(second.code, second.report.failed > 0 ? 1 : 0, source);
    assert.doesNotMatch(dry.text + first.text + second.text, /canary/i, source);
    if (source !== "env") assert.deepEqual(digest(source), before, source);
  }
  await gate.close();
  for (const line of gate.logLines)
    assert.doesNotMatch(line, /sk-(?:environment|dotenv|oneapi|newapi|ant)|litellm-canary/);
});

test("an imported key works for requests: the provider gets it, the caller gets in", async () => {
  const gate = await openGate();
  const { data } = await gate.admin.call(endpoints.credentials.list);
  for (const { id, provider } of data)
    if (provider === "sim-chat") await gate.admin.call(endpoints.credentials.remove, { params: { id } });
  const simulator = (await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } })).base_url;
  await gate.admin.call(endpoints.providers.remove, { params: { id: "sim-chat" } });
  const others = await gate.admin.call(endpoints.providers.list);
  for (const { id, custom } of others)
    if (custom) await gate.admin.call(endpoints.providers.remove, { params: { id } });
  const database = join(directory, "working.db");
  const file = new DatabaseSync(database);
  file.exec(readFileSync(`${fixtures}one-api.sql`, "utf8"));
  file.exec("delete from channels; delete from tokens where id > 1");
  file
    .prepare("insert into channels (type, key, status, name, base_url, models) values (50, ?, 1, 'House', ?, 'gpt-4o')")
    .run(gate.providerKey, simulator);
  file.close();
  const keysFile = join(directory, "working.jsonl");
  const { code, report } = await importInto(gate, [database, "--keys-to", keysFile]);
  assert.equal(code, 0, JSON.stringify(report));
  const issued = JSON.parse(readFileSync(keysFile, "utf8")) as { readonly key: string; readonly user: string };
  assert.equal(issued.user, "root");
  const reply = await send(
    `${gate.url}/v1/chat/completions`,
    "POST",
    issued.key,
    { "content-type": "application/json" },
    JSON.stringify({ model: "house/gpt-4o", messages: [{ role: "user", content: "hello" }] }),
  );
  assert.equal(reply.status, 200, reply.body.toString());
  await gate.close();
});

test("a Fernet file goes from another program's disk into the vault, and nowhere else", async () => {
  const gate = await openGate();
  const fernet = JSON.parse(readFileSync(`${fixtures}fernet.json`, "utf8")) as { key: string; whole_file: string };
  const source = join(directory, "secrets.enc");
  writeFileSync(source, fernet.whole_file);
  const { code, report } = await importInto(gate, [source], {}, fernet.key);
  assert.deepEqual([code, report.imported], [0, 2]);
  const { data } = await gate.admin.call(endpoints.credentials.list, { query: { provider: "anthropic" } });
  assert.deepEqual(
    data.map(({ last_four, origins }) => [last_four, origins]),
    [["6789", ["https://api.anthropic.com:443"]]],
  );
  const { data: events } = await gate.admin.call(endpoints.audit.list, { query: { limit: 50 } });
  const actions = events.map(({ action, target }) => `${action} ${target}`);
  assert.ok(actions.includes("imports.run ") && actions.includes("imports.item session_secret"), actions.join());
  await gate.close();
  const files = readdirSync(gate.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of files) {
    const bytes = readFileSync(join(entry.parentPath, entry.name), "latin1");
    assert.ok(!bytes.includes("sk-ant-fernet") && !bytes.includes(fernet.key), entry.name);
  }
  assert.ok(existsSync(source));
});

test("a sealed vault takes nothing over, and says so", async () => {
  const gate = await openGate();
  await gate.admin.call(endpoints.vault.seal);
  const { code, report, text } = await importInto(gate, ["env"], { OPENAI_API_KEY: "sk-canary" });
  assert.notEqual(code, 0);
  assert.equal(report.imported, 0);
  assert.match(text, /sealed/);
  await gate.close();
});
