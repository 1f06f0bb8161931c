import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { explainKey, printConfig } from "./explain.ts";
import { loadConfig, type LoadOptions } from "./load.ts";
import { configReference } from "./reference.ts";
import { listSettings } from "./settings.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-explain-"));
after(() => rmSync(directory, { recursive: true }));
const names = { dialects: ["openai-chat"], providers: ["openai"], keyVariables: [] };

function options(file: string, more: Partial<LoadOptions> = {}): LoadOptions {
  writeFileSync(join(directory, "portcullis.yaml"), file);
  return { names, environment: {}, directory, userHome: directory, ...more };
}

test("a setting is explained with its value and where that comes from", () => {
  assert.deepEqual(explainKey("server.port", options("server:\n  port: 9000\n")), [
    {
      key: "server.port",
      description: "The port the gateway listens on; 0 picks a free one.",
      expects: "a whole number from 0 to 65535",
      default: "8484",
      value: "9000",
      origin: "portcullis.yaml:2:3",
      environment: "PORTCULLIS_SERVER_PORT",
      flag: "--port",
      restart: true,
      example: "port: 8484",
    },
  ]);
});

test("a setting of one provider, a section, and everything can be explained", () => {
  const given = options("providers:\n  my.box:\n    base_url: https://a.example\n");
  const [own, ...others] = explainKey("providers.my.box.base_url", given);
  assert.deepEqual(
    [own?.key, own?.value, own?.origin, others.length],
    ["providers.my.box.base_url", "https://a.example", "portcullis.yaml:3:5", 0],
  );
  assert.equal(explainKey("providers.other.base_url", given)[0]?.value, undefined);
  assert.deepEqual(
    explainKey("admin", given).map(({ key }) => key),
    ["admin.host", "admin.port"],
  );
  assert.equal(explainKey("", given).length, listSettings(names).length);
  assert.equal(explainKey("providers.ID.models[].name", given).length, 1);
});

test("an unknown setting is answered with the nearest", () => {
  assert.throws(() => explainKey("sever.prot", options("")), {
    message: 'there is no setting "sever.prot"; did you mean "server.port"?',
  });
  assert.throws(() => explainKey("server.port.x", options("")), { code: "config_invalid" });
});

test("an invalid configuration can be explained", () => {
  assert.equal(explainKey("server.port", options("server: { port: many, x: 1 }\nlog: 3\n"))[0]?.value, "many");
});

test("examples are what the file would say", () => {
  for (const { key, example } of explainKey("", options(""))) {
    if (example === undefined || /^(?:providers|routes)\./.test(key)) continue;
    const section = key.split(".")[0] ?? "";
    loadConfig(options(`${section}:\n  ${example}\n`));
  }
});

test("the printed configuration says where each value comes from, and loads again as it was", () => {
  const file = `server:
  port: 9000
  allowed_hosts: [a.example]
providers:
  openai:
    api_key: env:MY_KEY
  box:
    base_url: https://box.example
    models: [a, { name: b, price_micros_per_mtok: { input: 1, output: 2 } }]
routes:
  claude-3.5-*: { tiers: { completion: box/a }, display_name: House }
`;
  const environment = () => ({ PORTCULLIS_UPSTREAM_IDLE_TIMEOUT: "1m", MY_KEY: "canary" });
  const first = loadConfig(options(file, { environment: environment(), flags: { "log.level": "debug" } }));
  const printed = printConfig(first);
  assert.match(printed, /^ {2}host: 127\.0\.0\.1 # default$/m);
  assert.match(printed, /^ {2}port: 9000 # portcullis\.yaml:2:3$/m);
  assert.match(printed, /^ {2}idle_timeout: 1m # PORTCULLIS_UPSTREAM_IDLE_TIMEOUT$/m);
  assert.match(printed, /^ {2}level: debug # --log-level$/m);
  assert.match(printed, /^ {4}api_key: env:MY_KEY # portcullis\.yaml:6:5$/m);
  assert.match(printed, /^ {6}completion: box\/a # portcullis\.yaml:11:28$/m);
  assert.doesNotMatch(printed, /canary/);
  assert.deepEqual(loadConfig(options(printed, { environment: { MY_KEY: "x" } })).config, first.config);
});

test("nothing secret is printed or explained", () => {
  const file = "providers: { openai: { headers: { x-team: canary } } }";
  for (const url of [
    "postgres://u:canary@h:5/d?password=canary",
    "postgres://u:p%40canary@h/d",
    "postgresql://h/d?options=canary",
  ]) {
    const given = () => options(file, { environment: { PORTCULLIS_STORAGE_URL: url } });
    const shown = printConfig(loadConfig(given())) + JSON.stringify(explainKey("", given()));
    assert.doesNotMatch(shown, /canary/);
    assert.match(shown, /x-team/);
  }
  for (const wrong of ["canary", "mysql://u:canary@h/d", "postgres://canary@canary:canary/"]) {
    assert.doesNotMatch(
      JSON.stringify(explainKey("storage.url", options("", { environment: { PORTCULLIS_STORAGE_URL: wrong } }))),
      /:canary|"canary/,
    );
  }
  assert.doesNotMatch(
    JSON.stringify(explainKey("providers.openai.api_key", options("providers: { openai: { api_key: sk-canary } }"))),
    /canary/,
  );
});

test("every setting has a description, is in the reference, and has a variable of its own", () => {
  const settings = listSettings(names);
  const reference = configReference(names);
  for (const setting of settings) {
    assert.match(setting.description, /^[A-Z`].*\.$/, setting.key);
    assert.notEqual(setting.expects, "text", setting.key);
    assert.ok(reference.includes(`**\`${setting.key}\`**`), setting.key);
    assert.equal(setting.environment === undefined, setting.path[1] === "ID", setting.key);
  }
  const variables = settings.flatMap(({ environment }) => environment ?? []);
  assert.equal(new Set(variables).size, variables.length);
  for (const own of ["PORTCULLIS_HOME", "PORTCULLIS_ROOT_KEY"]) {
    assert.ok(reference.includes(own));
    assert.ok(!variables.includes(own));
  }
});
