import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkConfig, type LoadOptions } from "./load.ts";

const root = mkdtempSync(join(tmpdir(), "portcullis-config-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

function problems(file: string | Uint8Array, more: Partial<LoadOptions> = {}): readonly string[] {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  writeFileSync(join(directory, "portcullis.yaml"), file);
  const names = {
    dialects: ["anthropic-messages", "openai-chat"],
    providers: ["openai", "ollama"],
    keyVariables: [],
  };
  return checkConfig({ names, environment: {}, userHome: directory, directory, ...more }).problems;
}

test("an unknown key is named with its place and the nearest known key", () => {
  assert.deepEqual(problems("# comment\nserver:\n  host: localhost\n  prot: 1\n"), [
    'portcullis.yaml:4:3: unknown key "server.prot"; did you mean "server.port"?',
  ]);
  assert.deepEqual(problems("sever:\n  port: 1\n"), [
    'portcullis.yaml:1:1: unknown key "sever"; did you mean "server"?',
  ]);
  assert.deepEqual(problems("sever:\n  prot: 1\n"), [
    'portcullis.yaml:1:1: unknown key "sever"; did you mean "server"?',
    'portcullis.yaml:2:3: unknown key "sever.prot"; did you mean "server.port"?',
  ]);
  assert.deepEqual(problems("port: 1\n"), ['portcullis.yaml:1:1: unknown key "port"; did you mean "server.port"?']);
  assert.deepEqual(problems("providers: { openai: { base_uri: https://a.example } }"), [
    'portcullis.yaml:1:24: unknown key "providers.openai.base_uri"; did you mean "providers.openai.base_url"?',
  ]);
  assert.deepEqual(problems("providers: { openai: { models: [{ name: a, contex_tokens: 1 }] } }"), [
    'portcullis.yaml:1:44: unknown key "providers.openai.models[0].contex_tokens"; did you mean "providers.openai.models[0].context_tokens"?',
  ]);
  assert.deepEqual(problems("log: { colour: red }"), [
    'portcullis.yaml:1:8: unknown key "log.colour"; known here: level, format',
  ]);
  assert.match(
    problems("webhooks: []\n")[0] ?? "",
    /^portcullis\.yaml:1:1: unknown key "webhooks"; known here: server, admin,/,
  );
});

test("names of the language are no back door", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assert.match(problems(`${name}: { port: 1 }`)[0] ?? "", new RegExp(`1:1: unknown key "${name}"`));
    assert.match(problems(`server: { ${name}: 1 }`)[0] ?? "", /1:11: unknown key/);
  }
  assert.match(
    problems("providers: { __proto__: { base_url: https://a.example } }")[0] ?? "",
    /1:14: unknown key "__proto__"/,
  );
  assert.match(
    problems("", { environment: { PORTCULLIS_CONSTRUCTOR: "1" } })[0] ?? "",
    /^PORTCULLIS_CONSTRUCTOR: unknown variable/,
  );
});

test("all problems are told at once, in the order of the file", () => {
  const file = `server:
  port: 99999
  host: [127.0.0.1]
  idle: 5
log:
  level: loud
admin: yes
providers:
  mine:
    dialect: openai-chta
  yours: {}
  Theirs: {}
vault:
  unlocker: passphrase
  key_file: /etc/key
`;
  const environment = { PORTCULLIS_UPSTREAM_IDLE_TIMEOUT: "5 minutes", PORTCULLIS_LOG_LEVLE: "info" };
  assert.deepEqual(problems(file, { environment, flags: { "server.host": "http://x" } }), [
    'portcullis.yaml:2:9: "server.port" must be a whole number from 0 to 65535 (got 99999)',
    'portcullis.yaml:4:3: unknown key "server.idle"; known here: host, port, allowed_hosts, allowed_origins, body_limit_bytes, head_timeout, body_timeout, body_min_rate, write_timeout, max_connections, max_connections_per_address, keep_alive, shutdown_delay, drain',
    'portcullis.yaml:6:10: "log.level" must be one of debug, info, warn, error (got "loud")',
    'portcullis.yaml:7:8: "admin" must be a mapping of settings, one `key: value` on a line',
    'portcullis.yaml:10:14: "providers.mine.dialect" must be one of anthropic-messages, openai-chat (got "openai-chta")',
    'portcullis.yaml:11:3: "providers.yours.base_url" is needed, since `yours` is not a predefined provider',
    'portcullis.yaml:12:3: "providers.Theirs" must be an id: 1 to 64 lower-case letters, digits, `.`, `-` and `_`, with a letter or digit at both ends',
    'portcullis.yaml:15:13: "vault.key_file" is of no use while `vault.unlocker` is passphrase',
    '--host: "server.host" must be an IP address or a host name, without a port (got "http://x")',
    'PORTCULLIS_UPSTREAM_IDLE_TIMEOUT: "upstream.idle_timeout" must be a duration from 1s to 24h, as a number and a unit (ms, s, m, h, d, w) (got "5 minutes")',
    "PORTCULLIS_LOG_LEVLE: unknown variable; did you mean PORTCULLIS_LOG_LEVEL?",
  ]);
});

test("an unlocker that needs a key says which setting names it", () => {
  assert.deepEqual(problems("vault: { unlocker: transit }"), [
    'portcullis.yaml:1:20: "vault.unlocker" is transit, which needs `vault.transit`: the key to unseal with',
  ]);
  assert.match(problems("vault: { unlocker: aws-kms }")[0] ?? "", /needs `vault\.aws_kms`/);
  assert.deepEqual(problems("vault: { unlocker: aws-kms, aws_kms: alias/portcullis }"), []);
});

test("a wrong value is told with what it must be", () => {
  const table: readonly (readonly [file: string, problem: RegExp])[] = [
    ["server: { port: '8484' }", /1:17: "server\.port" must be a whole number .* \(got "8484"\)/],
    ["server: { port: 84.5 }", /got 84\.5/],
    ["server: { port: 1e400 }", /"server\.port" must be a whole number/],
    ["server:\n  port:\n", /2:3: "server\.port" must be a whole number .* \(got nothing\)/],
    ["upstream: { idle_timeout: 300 }", /must be a duration from 1s to 24h, .* \(got 300\)/],
    ["upstream: { idle_timeout: 25h }", /must be a duration from 1s to 24h/],
    ["keys: { expires: 999999999w }", /must be a duration from 1m to 3650d/],
    ["usage: { include_stream_usage: yes }", /must be true or false \(got "yes"\)/],
    [
      "server: { allowed_hosts: [a, 'b:80'] }",
      /1:30: "server\.allowed_hosts\[1\]" must be a host name, without scheme, port or path/,
    ],
    ["server: { allowed_hosts: a }", /"server\.allowed_hosts" must be a list of host names \(got "a"\)/],
    ["server: { allowed_origins: ['*'] }", /"server\.allowed_origins\[0\]" must be a web origin/],
    ["storage: { url: mysql://h/d }", /"storage\.url" must be `sqlite:`/],
    ["storage: { url: 'sqlite:relative.db' }", /"storage\.url" must be/],
    ["vault: { key_file: root.key }", /"vault\.key_file" must be an absolute path/],
    ["providers: { openai: { models: [1] } }", /"providers\.openai\.models" must be a list of model ids/],
    ["providers: { openai: { models: [{}] } }", /"providers\.openai\.models\[0\]\.name" is needed: a model id/],
    [
      "providers: { openai: { dialect: openai-chat, dialects: [openai-chat] } }",
      /cannot be given together with `dialect`/,
    ],
    ["providers: { opena: {} }", /`opena` is not a predefined provider \(did you mean "openai"\?\)/],
    [
      "providers: { openai: { headers: { Authorization: Bearer x } } }",
      /that the gateway does not set itself; a key goes into `api_key`/,
    ],
    ['providers: { openai: { headers: { x-a: "a\\r\\nb: c" } } }', /must be printable ASCII on one line/],
    ["server: { port: 8485, host: 0.0.0.0 }", /1:17: "server\.port" is 8485, and so is the port of the admin listener/],
    ["admin: { port: 8484, host: '::1' }", /1:16: "admin\.port" is 8484, and so is `server\.port`/],
  ];
  for (const [file, problem] of table) {
    const found = problems(file);
    assert.equal(found.length, 1, `${file} → ${found.join("\n")}`);
    assert.match(found[0] ?? "", problem);
  }
});

test("plain http is refused unless it is meant", () => {
  const http = "base_url: http://10.0.0.5:8000";
  assert.match(problems(`providers: { mine: { ${http} } }`)[0] ?? "", /must be https, unless `allow_private: true`/);
  assert.match(problems(`providers: { ollama: { ${http}, allow_private: false } }`)[0] ?? "", /must be https/);
  assert.deepEqual(problems(`providers: { mine: { ${http}, allow_private: true } }`), []);
  assert.deepEqual(problems(`providers: { ollama: { ${http} } }`), []);
});

test("a key in the file is refused and never repeated", () => {
  for (const secret of [
    "sk-canary-1234567890",
    "env:sk-canary-1",
    "file:relative/canary",
    "env:PORTCULLIS_ROOT_KEY",
    "${CANARY}",
  ]) {
    const found = problems(`providers:\n  openai:\n    api_key: ${JSON.stringify(secret)}\n`);
    assert.deepEqual(found, [
      'portcullis.yaml:3:14: "providers.openai.api_key" must be a reference, never the key itself: env:NAME, file:/absolute/path, vault:MOUNT/PATH#FIELD, aws:NAME, gcp:NAME, azure:VAULT/NAME or op:VAULT/ITEM/FIELD; put the key into such a variable or file, or into the vault with `portcullis credentials add`',
    ]);
  }
});

test("what stands in a wrong place is not repeated where it may be a secret", () => {
  const files = [
    "storage: { url: 'postgers://u:canary@h/d' }",
    "providers: { openai: { base_url: 'https://u:canary@api.example.com' } }",
    "providers: { openai: { headers: { x-a: [canary] } } }",
    "providers: { openai: { headers: { x-a: 'canäry' } } }",
    "vault: canary",
    "providers: { openai: canary }",
    'api_key: "canary\n',
    "server: canary: x\n",
    "log: !canary x\n",
    "log: *canary\n",
    "log: [canary, {canary}",
  ];
  for (const file of files) {
    const found = problems(file).join("\n");
    assert.notEqual(found, "", file);
    assert.doesNotMatch(found, /can[aä]ry/, file);
  }
  assert.doesNotMatch(problems("", { environment: { PORTCULLIS_STORAGE_URL: "canary" } }).join(), /canary/);
});

test("a reference to a variable that is not set is told with its place", () => {
  const file = "providers:\n  openai: { api_key: env:MY_KEY }\n";
  const problem = 'portcullis.yaml:2:22: "providers.openai.api_key" refers to the variable MY_KEY, which is not set';
  assert.deepEqual(problems(file), [problem]);
  assert.deepEqual(problems(file, { environment: { MY_KEY: "" } }), [problem]);
  assert.deepEqual(problems(file, { environment: { MY_KEY: "x" } }), []);
});

test("a message shows control and direction characters instead of sending them to the terminal", () => {
  const found = problems(`log: { level: "\\e[2J\\u202e\\x9b" }\n"\\e]0;x": 1\n`).join("\n");
  assert.match(found, /\\u001b\[2J\\u202e\\u009b/);
  assert.doesNotMatch(found.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

test("unknown variables are errors", () => {
  const environment = {
    PORTCULLIS_SERVR_PORT: "1",
    PORTCULLIS_PROVIDERS_OPENAI_NAME: "x",
    PORTCULLIS_ADMIN_TOKN: "y",
    PATH: "/bin",
  };
  assert.deepEqual(problems("", { environment }), [
    "PORTCULLIS_SERVR_PORT: unknown variable; did you mean PORTCULLIS_SERVER_PORT?",
    "PORTCULLIS_PROVIDERS_OPENAI_NAME: unknown variable; providers are declared in the file only",
    "PORTCULLIS_ADMIN_TOKN: unknown variable; did you mean PORTCULLIS_ADMIN_TOKEN?",
  ]);
});

test("a variable laid over a section that is no mapping does not hide that", () => {
  const found = problems("server: 5", { environment: { PORTCULLIS_SERVER_PORT: "1" } });
  assert.deepEqual(found, ['portcullis.yaml:1:9: "server" must be a mapping of settings, one `key: value` on a line']);
});

test("a file that is named and not there, or is none, is told so", () => {
  const [missing, directory] = ["nowhere.yaml", "."].map((file) => problems("", { file }));
  assert.deepEqual(missing, ["nowhere.yaml: there is no such file"]);
  assert.match(directory?.[0] ?? "", /is a directory, not a file$/);
});

test("a file outside the working directory is named by its whole path", () => {
  const file = join(root, "outside.yaml");
  writeFileSync(file, "x: 1");
  assert.ok(problems("", { file })[0]?.startsWith(`${file}:1:1: unknown key`));
});
