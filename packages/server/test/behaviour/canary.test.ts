import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Script } from "../../src/simulator/index.ts";
import { encodingsOf, plant, search } from "../support/canaries.ts";
import { openStage, type Stage } from "../support/canary-stage.ts";
import { databases } from "../support/databases.ts";

/*
 * Keys, tokens, prompts and replies never appear where they do not belong. They are planted everywhere, the gateway is
 * led through good and bad days with its log at the most talkative, and then everything that was written is searched:
 * the log, what the commands print, every reply of both planes with its head, every file in the home, every table.
 */

/** Where a canary is meant to be. Anywhere else it is a leak. */
const meantPlaces: readonly (readonly [where: RegExp, canaries: readonly string[]])[] = [
  [/^file admin\.token$/, ["admin token"]],
  [/^file root\.key$/, ["root key"]],
  [/^standard output of serve$/, ["setup code"]],
  [/^reply to keys\.create$/, ["caller key"]],
  [/^reply to keys\.create of another$/, ["key before rotation"]],
  [/^reply to keys\.rotate$/, ["rotated key"]],
  [/^output of setup /, ["admin key"]],
  [/^output of keys create /, ["key of the command line"]],
  // The Responses API repeats what it was asked.
  [/^answer of the model/, ["reply", "tool argument", "system prompt", "tool description"]],
  [/^request to the provider$/, ["stored key", "piped key", "environment key", "usual variable", "key file"]],
  [
    /^request to the provider$/,
    ["tested key", "refused key", "declared header", "caller's header", "query", "prompt", "system prompt"],
  ],
  [/^request to the provider$/, ["tool description", "reply", "tool argument", "key as the model"]],
];

for (const database of databases) {
  const logFormat = database.name === "SQLite" ? "json" : "pretty";
  test(`no planted secret and no prompt appears where it does not belong (${database.name}, ${logFormat} log)`, {
    skip: database.skip,
  }, async (t) => {
    const stage = await openStage(database, logFormat);
    t.after(() => stage.close());
    await administer(stage);
    await administerBadly(stage);
    await useCommands(stage);
    await converse(stage);
    await failUpstream(stage);
    await makeMistakes(stage);
    await look(stage);
    await stage.collect();
    report(t, stage);
  });
}

function report(t: TestContext, { canaries, traces }: Stage): void {
  const all = [...canaries.values()];
  const leaks = search(all, traces, (where, canary) =>
    meantPlaces.some(([place, names]) => place.test(where) && names.includes(canary)),
  );
  const lines = leaks.map((leak) => `${leak.canary} (${leak.encodings.join(", ")}) in ${leak.where}: ${leak.excerpt}`);
  assert.equal(leaks.length, 0, `${leaks.length} leaks:\n${lines.join("\n")}`);
  // The search can find, and what it looked through was really written.
  const hits = search(all, traces);
  for (const [place, names] of meantPlaces) {
    for (const name of names) {
      assert.ok(
        hits.some((hit) => hit.canary === name && place.test(hit.where)),
        `${name} was not found in ${place}`,
      );
    }
  }
  assert.match(traces.find(({ where }) => where === "log")?.bytes.toString() ?? "", /the reply failed/);
  const bytes = traces.reduce((sum, trace) => sum + trace.bytes.length, 0);
  t.diagnostic(
    `${all.length} canaries in ${traces.length} places, ${(bytes / 1e6).toFixed(1)} MB, six encodings: 0 leaks`,
  );
}

test("the search finds a planted canary in each encoding, and a piece of it", () => {
  const canary = plant("planted", 'sk-"ü ', " +/=");
  const forms: Readonly<Record<string, Buffer>> = {
    plain: Buffer.from(canary.value),
    base64: Buffer.from(Buffer.from(`Bearer ${canary.value}`).toString("base64")),
    base64url: Buffer.from(Buffer.from(`${canary.value}?`).toString("base64url")),
    hex: Buffer.from(Buffer.from(canary.value).toString("hex")),
    url: Buffer.from(encodeURIComponent(canary.value)),
    json: Buffer.from(JSON.stringify({ key: canary.value })),
    piece: Buffer.from(`…${canary.core.slice(9, 24)}…`),
  };
  assert.deepEqual(Object.keys(forms), Object.keys(encodingsOf(canary)));
  for (const [encoding, bytes] of Object.entries(forms)) {
    const found = search([canary], [{ where: "a log", bytes: Buffer.concat([Buffer.from("text "), bytes]) }]);
    assert.ok(
      found.some((hit) => hit.encodings.includes(encoding)),
      encoding,
    );
  }
  const escaped = canary.value.replaceAll(
    /[\s\S]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  assert.ok(search([canary], [{ where: "a log", bytes: Buffer.from(escaped) }]).length > 0);
  assert.deepEqual(search([canary], [{ where: "a log", bytes: Buffer.from(canary.core.slice(0, 11)) }]), []);
});

/** The admin plane, well used. */
async function administer(stage: Stage): Promise<void> {
  const { admin, value } = stage;
  const place = { base_url: stage.provider.url, allow_private: true };
  const chat = { ...place, dialect: "openai-chat", api_key: value("stored key") };
  await admin("providers.create", "POST /providers", { ...chat, id: "stored" });
  await admin("providers.create", "POST /providers", { ...chat, id: "down", base_url: "http://127.0.0.1:9" });
  await admin("providers.create", "POST /providers", { ...place, id: "claude", dialect: "anthropic-messages" });
  await admin("providers.create", "POST /providers", { ...place, id: "piped", dialect: "openai-responses" });
  const tested = { provider: "claude", value: value("stored key"), test: true };
  await admin("credentials.create", "POST /credentials", tested);
  await admin("bad credentials.create", "POST /credentials", { ...tested, value: value("refused key") });
  for (const id of ["stored", "claude", "down", "sim-env"]) {
    await admin("providers.test", `POST /providers/${id}/test`, { api_key: value("tested key") });
    await admin("providers.test", `POST /providers/${id}/test`, {});
  }

  const created = await admin("keys.create", "POST /keys", { description: "caller" });
  stage.callerKey = keyIn(created);
  stage.know("caller key", stage.callerKey);
  const other = await admin("keys.create of another", "POST /keys", { description: "to be rotated" });
  stage.know("key before rotation", keyIn(other));
  const rotated = await admin("keys.rotate", `POST /keys/${String(other["id"])}/rotate`, { overlap: "1h" });
  stage.know("rotated key", keyIn(rotated));
  await admin("keys.validate", "POST /keys/validate", { key: stage.callerKey });
  await admin("keys.validate", "POST /keys/validate", { key: value("foreign key") });

  const slot = { kind: "passphrase", passphrase: value("passphrase"), label: "office" };
  await admin("vault.slots.add", "POST /vault/slots", slot);
  await admin("vault.seal", "POST /vault/seal");
  await admin("bad vault.unseal", "POST /vault/unseal", { passphrase: value("wrong passphrase") });
  await admin("bad vault.unseal", "POST /vault/unseal", { root_key: value("wrong passphrase") });
  await admin("vault.unseal", "POST /vault/unseal", { passphrase: value("passphrase") });
}

/** The admin plane, with secrets where they do not belong. */
async function administerBadly(stage: Stage): Promise<void> {
  const { admin, value } = stage;
  const key = value("misplaced key");
  for (const body of [
    { provider: "stored", api_key: key },
    { provider: "stored", value: [key] },
    { provider: "stored", value: `${key}\n` },
    { provider: "stored", value: key, [key]: 1 },
    { provider: "stored", value: key, expires_in: key },
    { provider: key, value: key },
    `{"provider": "stored", "value": "${key}"`,
    `{"provider": "stored", "value": ${key}}`,
    key,
    JSON.stringify(key),
    stage.core("misplaced key").slice(0, 12), // so short that a parser's excerpt would hold it
  ]) {
    await admin("bad credentials.create", "POST /credentials", body);
  }
  const update = { base_url: "http://127.0.0.1:9", api_key: `${value("refused key")} ` };
  await admin("bad providers.update", "PUT /providers/stored", update);
  const password = stage.core("password in an address");
  for (const address of [`https://user:${password}@api.example.com`, `https://api.example.com/v1?key=${password}`]) {
    await admin("bad providers.create", "POST /providers", { id: "bad", base_url: address });
  }
  await admin("bad setup.claim", "POST /setup", { code: value("wrong setup code"), name: "eve" });
  for (const id of [encodeURIComponent(key), `sk-canary-${stage.core("misplaced key")}`, stage.callerKey]) {
    await admin("bad credentials.test", `POST /credentials/${id}/test`);
    await admin("bad credentials.remove", `DELETE /credentials/${id}`);
    await admin("bad keys.disable", `POST /keys/${id}/disable`);
    await admin("bad providers.get", `GET /providers/${id}`);
    await admin("bad address", `POST /${id}`);
    await admin("bad usage.sum", `GET /usage?by=${id}`);
    await admin("bad usage.sum", `GET /usage?key=${id}&${id}=1`);
  }
  await stage.request("a wrong admin token", "GET", "/api/v1/keys", value("foreign key"));
}

function keyIn(reply: Readonly<Record<string, unknown>>): string {
  const { key } = reply;
  assert.ok(typeof key === "string", JSON.stringify(reply));
  return key;
}

/** The command line. */
async function useCommands(stage: Stage): Promise<void> {
  const { command, value } = stage;
  await command(["credentials", "add", "piped", "--no-test", "--json"], { input: value("piped key") });
  await command(["credentials", "add", "stored", "--label", "spare"], { input: value("refused key") });
  await command(["credentials", "add", "stored", value("misplaced key")]);
  await command(["credentials", "add", "stored", `--value=${value("misplaced key")}`]);
  await command(["credentials", "test", value("misplaced key")]);
  await command([value("misplaced key")]);
  await command(["providers", "test", "stored", "--from-env", "KEY", "--json"], {
    environment: { KEY: value("tested key") },
  });
  await command(["providers", "update", "down", "--read-key"], { input: value("stored key") });
  const code = value("setup code");
  const { json: claimed } = await command(["setup", "--name", "ada", "--from-env", "CODE", "--json"], {
    environment: { CODE: code },
  });
  stage.know("admin key", String(claimed["admin_key"]));
  const { json: created } = await command(["keys", "create", "--description", "cli", "--json"]);
  stage.know("key of the command line", keyIn(created));
  await command(["keys", "validate"], { input: value("foreign key") });
  await command(["vault", "unseal", "--from-env", "PASS"], { environment: { PASS: value("wrong passphrase") } });
  await command(["vault", "slots", "add", "passphrase", "--from-env", "PASS"], {
    environment: { PASS: value("passphrase") },
  });
  for (const shown of [
    ["config", "print"],
    ["config", "print", "--json"],
    ["config", "explain"],
    ["config", "check"],
    ["doctor"],
    ["doctor", "--json"],
    ["db", "status"],
  ]) {
    const { code } = await command([...shown, "--config", stage.configFile], { environment: stage.environment });
    assert.equal(code, 0, shown.join(" "));
  }
  await command(["config", "print", "--config", stage.brokenConfigFile]);
  await command(["serve", "--config", stage.brokenConfigFile]);
}

/** Callers whose requests are answered. */
async function converse(stage: Stage): Promise<void> {
  const { value } = stage;
  const question = `${value("prompt")}, please`;
  const system = value("system prompt");
  const schema = { type: "object", properties: { path: { type: "string", description: value("tool description") } } };
  const bodies: readonly (readonly [string, string, object])[] = [
    [
      "/v1/messages",
      "claude/m",
      {
        max_tokens: 500,
        system,
        messages: [{ role: "user", content: question }],
        tools: [{ name: "read", description: value("tool description"), input_schema: schema }],
      },
    ],
    [
      "/v1/chat/completions",
      "stored/m",
      {
        messages: [
          { role: "system", content: system },
          { role: "user", content: question },
        ],
        tools: [{ type: "function", function: { name: "read", parameters: schema } }],
      },
    ],
    [
      "/v1/responses",
      "piped/m",
      { instructions: system, input: question, tools: [{ type: "function", name: "read", parameters: schema }] },
    ],
    ["/v1/chat/completions", "sim-env/m", { messages: [{ role: "user", content: question }] }],
    ["/v1/chat/completions", "sim-file/m", { messages: [{ role: "user", content: question }] }],
    ["/v1/messages", "anthropic/m", { max_tokens: 500, messages: [{ role: "user", content: question }] }],
  ];
  const headers = { "x-custom": value("caller's header"), "user-agent": `agent/${value("caller's header")}` };
  const call = { name: "read", arguments: { path: value("tool argument") } };
  for (const [path, model, body] of bodies) {
    for (const stream of [false, true]) {
      for (const script of [{ text: value("reply") }, { toolCalls: [call] }] satisfies Script[]) {
        const query = `?trace=${encodeURIComponent(value("query"))}`;
        const status = await stage.ask(
          "answer of the model",
          path + query,
          { model, stream, ...body },
          script,
          headers,
        );
        assert.equal(status, 200, path);
      }
    }
  }
}

/** Providers that fail, and repeat the key as they do. */
async function failUpstream(stage: Stage): Promise<void> {
  const key = stage.value("stored key");
  const scripts: readonly Script[] = [
    { status: 400, echoKey: true },
    { status: 401, echoKey: true },
    { status: 403, echoKey: true },
    { status: 429, echoKey: true, retryAfterSeconds: 1 },
    { status: 500, echoKey: true, chunkBytes: 7 },
    { status: 400, body: `{"error": {"message": "the key ${key} is`, contentType: "application/json" },
    { status: 500, body: `<html>the key ${key}</html>`, contentType: "text/html" },
    { status: 200, body: `{"error": "the key ${key}"}`, contentType: "application/json" },
    { redirect: `http://127.0.0.1:9/?key=${encodeURIComponent(key)}` },
    { redirect: `http://127.0.0.1:9/${key}`, status: 302 },
    {
      status: 400,
      headers: { "request-id": key, "x-ratelimit-limit-requests": key, "set-cookie": `key=${key}`, "x-account": key },
    },
    { drop: "reset" },
    { drop: "close", dropAtByte: 20 },
  ];
  const streams: readonly Script[] = [
    { errorAtEvent: 2, status: 500, echoKey: true },
    { errorAtEvent: 1, status: 401, echoKey: true, chunkBytes: 7 },
    { drop: "reset", dropAtEvent: 2, writes: "event" },
    { text: `the key is ${key}`, deltas: 1, chunkBytes: 11 },
  ];
  for (const [path, model] of [
    ["/v1/chat/completions", "stored/m"],
    ["/v1/messages", "claude/m"],
  ] as const) {
    const body = { model, max_tokens: 50, messages: [{ role: "user", content: stage.value("prompt") }] };
    for (const script of scripts) await stage.ask("answer to a failure", path, body, script);
    for (const script of streams) await stage.ask("answer to a failure", path, { ...body, stream: true }, script);
  }
  const body = { model: "down/m", messages: [{ role: "user", content: stage.value("prompt") }] };
  assert.equal(await stage.ask("answer of a provider that is down", "/v1/chat/completions", body), 502);
}

/** Callers who put their keys and texts in wrong places. */
async function makeMistakes(stage: Stage): Promise<void> {
  const { value, callerKey } = stage;
  const lost = value("misplaced key");
  const text = value("prompt");
  const messages = [{ role: "user", content: text }];
  const path = "/v1/chat/completions";
  const ask = (body: unknown, headers: Readonly<Record<string, string | null>> = {}, at = path): Promise<number> =>
    stage.ask("answer to a mistake", at, body, {}, headers);
  await ask({ model: lost, messages });
  await ask({ model: callerKey, messages });
  // The provider is asked for it, and its answer does not repeat it.
  const model = `stored/${value("key as the model")}`;
  await stage.ask("answer to a mistake", path, { model, messages }, { body: "{}", contentType: "application/json" });
  await ask({ model: `${lost}/m`, messages });
  await ask({ model: [lost], messages });
  await ask(`{"model": "stored/m", "messages": [{"role": "user", "content": "${text}"`);
  await ask(`{"model": "stored/m", "api_key": ${lost}}`);
  await ask(lost);
  await ask({ model: "stored/m", messages }, { "content-type": `text/${lost.replaceAll(/[^A-Za-z0-9-]/g, "")}` });
  await ask({ model: "stored/m", messages }, { authorization: `Bearer ${value("foreign key")}` });
  await ask(
    { model: "stored/m", messages },
    { authorization: `Basic ${Buffer.from(`user:${lost}`).toString("base64")}` },
  );
  await ask({ model: "stored/m", messages }, { authorization: `Bearer ${callerKey.slice(0, -2)}` });
  await ask({ model: "stored/m", messages }, { "x-api-key": value("foreign key") });
  await ask({ model: "stored/m", messages }, { authorization: null, "x-api-key": callerKey });
  await ask({ model: "stored/m", messages }, {}, `${path}?key=${callerKey}`);
  await ask({ model: "stored/m", messages }, { authorization: null }, `${path}?api_key=${callerKey}`);
  await ask({ model: "stored/m", messages }, {}, `/v1/${encodeURIComponent(lost)}`);
  await ask({ model: "stored/m", messages }, {}, `/v1/${callerKey}?text=${encodeURIComponent(text)}`);
  await stage.request("list of models", "GET", "/v1/models", callerKey);
  await stage.request("answer to a mistake", "GET", `/v1/models/${encodeURIComponent(lost)}`, callerKey);
  await stage.request("answer to a mistake", "GET", `/v1/models?key=${callerKey}`, "");
}

/** What an operator looks at afterwards. */
async function look(stage: Stage): Promise<void> {
  for (const view of [
    ["status", "--json"],
    ["usage", "--json"],
    ["usage", "--requests", "--json"],
    ["usage", "--requests"],
    ["audit", "tail", "--limit", "500", "--json"],
    ["audit", "tail", "--limit", "500"],
    ["credentials", "list", "--json"],
    ["keys", "list", "--json"],
    ["providers", "list", "--json"],
    ["vault", "slots", "list", "--json"],
  ]) {
    assert.equal((await stage.command(view)).code, 0, view.join(" "));
  }
  if (stage.environment["PORTCULLIS_STORAGE_URL"]?.startsWith("sqlite:") === true) {
    const backup = ["db", "backup", join(stage.home, "backup.db"), "--config", stage.configFile];
    assert.equal((await stage.command(backup, { environment: stage.environment })).code, 0);
  }
  await stage.admin("requests.list", "GET /requests?limit=500");
  await stage.admin("audit.list", "GET /audit?limit=500");
}
