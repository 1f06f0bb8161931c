import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { changedSettings } from "./changes.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-changes-"));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, "portcullis.yaml");
const names = { dialects: ["openai-chat"], providers: ["openai"], keyVariables: ["OPENAI_API_KEY"] };

function load(text: string, environment: Record<string, string | undefined> = {}): LoadedConfig {
  writeFileSync(file, text);
  return loadConfig({ names, environment, directory, userHome: directory });
}

function reload(loaded: LoadedConfig, text: string): LoadedConfig {
  writeFileSync(file, text);
  return loaded.reload();
}

const changes = (before: string, after: string) => changedSettings(load(before), load(after));

test("what differs is named, whether it needs a restart, and where it stands", () => {
  assert.deepEqual(changes("server: { port: 1 }", "server: { port: 2, keep_alive: 80s }\nlog: { level: warn }"), [
    { key: "log.level", restart: false, origin: "portcullis.yaml:2:8" },
    { key: "server.keep_alive", restart: false, origin: "portcullis.yaml:1:20" },
    { key: "server.port", restart: true, origin: "portcullis.yaml:1:11" },
  ]);
  assert.deepEqual(changes("keys: { expires: 90d }", ""), [{ key: "keys.expires", restart: false, origin: "default" }]);
});

test("the same value in other words is no change", () => {
  assert.deepEqual(changes("server: { drain: 60s, port: 8484 }", "# a comment\nserver:\n  drain: 1m\n"), []);
});

test("of a provider each setting is named, by its id", () => {
  const before = "providers:\n  openai: { name: Ours }\n  own: { base_url: https://a.example }\n";
  const after = "providers:\n  openai: { name: Theirs, models: [gpt-x] }\n";
  assert.deepEqual(
    changes(before, after).map(({ key }) => key),
    ["providers.openai.models", "providers.openai.name", "providers.own.base_url"],
  );
});

test("a changed password is seen, and not shown", () => {
  const of = (password: string) => `storage: { url: "postgres://ada:${password}@db.lan/p" }`;
  const found = changes(of("old-canary"), of("new-canary"));
  assert.deepEqual(found, [{ key: "storage.url", restart: true, origin: "portcullis.yaml:1:12" }]);
  assert.doesNotMatch(JSON.stringify(load(of("new-canary")).settings), /canary/);
});

test("a reload reads the file anew, with the same flags and variables, those that were taken away included", () => {
  const environment: Record<string, string | undefined> = {
    OPENAI_API_KEY: "sk-one",
    OWN_KEY: "sk-own",
    LATER_KEY: "sk-later",
    PORTCULLIS_STORAGE_URL: "postgres://ada:secret@db.lan/p",
    PORTCULLIS_SERVER_DRAIN: "3s",
    PORTCULLIS_ROOT_KEY: "root",
  };
  const own = (key: string) => `providers:\n  own: { base_url: https://a.example, api_key: "env:${key}" }\n`;
  const first = load(own("OWN_KEY"), environment);
  assert.deepEqual(Object.keys(environment), ["LATER_KEY", "PORTCULLIS_SERVER_DRAIN"]);
  const second = reload(first, `${own("LATER_KEY")}log: { level: debug }\n`);
  assert.deepEqual(
    changedSettings(first, second).map(({ key }) => key),
    ["log.level", "providers.own.api_key"],
  );
  assert.equal(second.config.server.drainMs, 3_000);
  assert.equal(second.config.storage.url.reveal(), "postgres://ada:secret@db.lan/p");
  assert.equal(second.environment.secrets.get("OPENAI_API_KEY")?.reveal(), "sk-one");
  assert.equal(second.environment.secrets.get("LATER_KEY")?.reveal(), "sk-later");
  assert.deepEqual(Object.keys(environment), ["PORTCULLIS_SERVER_DRAIN"], "what a reload needs first is taken, too");
  assert.equal(second.environment.rootKey, undefined, "a key of the vault is not kept for later");
  assert.equal(reload(second, own("OWN_KEY")).environment.secrets.get("OWN_KEY")?.reveal(), "sk-own");
});

test("what a refused reload took out of the environment is there for the next", () => {
  const environment: Record<string, string | undefined> = { LATER_KEY: "sk-later" };
  const first = load("", environment);
  const declared = 'providers:\n  own: { base_url: https://a.example, api_key: "env:LATER_KEY" }\n';
  assert.throws(() => reload(first, `${declared}log: { level: loud }\n`), AppError);
  assert.deepEqual(Object.keys(environment), []);
  assert.equal(reload(first, declared).environment.secrets.get("LATER_KEY")?.reveal(), "sk-later");
});

test("a file that was in force and is gone is a mistake, not an empty configuration", () => {
  const first = load("log: { level: warn }");
  rmSync(file);
  assert.throws(() => first.reload(), /portcullis\.yaml: there is no such file/);
});

test("what a reload changes is on this list; a new setting is applied live and added here, or marked `restart`", () => {
  const live = load("").settings.filter(({ setting }) => !setting.restart);
  assert.deepEqual(
    live.map(({ setting }) => setting.key),
    [
      "server.allowed_hosts",
      "server.allowed_origins",
      "server.body_limit_bytes",
      "server.head_timeout",
      "server.body_timeout",
      "server.body_min_rate",
      "server.keep_alive",
      "server.shutdown_delay",
      "server.drain",
      "vault.reveal",
      "translation.lossy",
      "sources.cache",
      "sources.keep",
      "sources.timeout",
      "sources.ca_file",
      "sources.vault_address",
      "sources.vault_namespace",
      "sources.vault_auth",
      "sources.vault_mount",
      "sources.vault_token_file",
      "sources.vault_role",
      "sources.vault_role_id",
      "sources.vault_secret_id_file",
      "sources.aws_region",
      "sources.aws_profile",
      "sources.gcp_project",
      "sources.gcp_credentials_file",
      "sources.azure_vault_suffix",
      "sources.op_address",
      "sources.op_token_file",
      "credentials.test_every",
      "keys.expires",
      "usage.keep_requests",
      "usage.keep_sums",
      "usage.requests_max_bytes",
      "upstream.connect_timeout",
      "upstream.first_byte_timeout",
      "upstream.idle_timeout",
      "upstream.max_connections",
      "upstream.queue_timeout",
      "log.level",
      "log.format",
    ],
  );
});
