import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { AppError } from "../kernel/errors.ts";
import { loadConfig, type LoadOptions } from "./load.ts";

const root = mkdtempSync(join(tmpdir(), "portcullis-config-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** A working directory of its own, with this text as its portcullis.yaml, and no surroundings but what is given. */
function place(file?: string, more: Partial<LoadOptions> = {}): LoadOptions & { readonly directory: string } {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  if (file !== undefined) writeFileSync(join(directory, "portcullis.yaml"), file);
  const names = {
    dialects: ["anthropic-messages", "openai-chat"],
    providers: ["openai", "ollama"],
    keyVariables: ["OPENAI_API_KEY", "GROQ_API_KEY"],
  };
  return { names, environment: {}, userHome: join(directory, "user"), ...more, directory };
}

const port = (options: LoadOptions) => loadConfig(options).config.server.port;

test("nothing has to be configured", () => {
  const { config, file, home } = loadConfig(place());
  assert.equal(file, undefined);
  assert.match(home, /user[/\\]\.portcullis$/);
  assert.deepEqual([config.server.host, config.server.port], ["127.0.0.1", 8484]);
  assert.equal(config.admin.listener, undefined);
  assert.equal(config.storage.url.reveal(), "sqlite:");
  const unset = { keyFile: undefined, transit: undefined, awsKms: undefined };
  assert.deepEqual(config.vault, { ...unset, unlocker: "auto", store: "database", cacheMs: 300_000, reveal: false });
  assert.deepEqual(config.upstream, {
    connectTimeoutMs: 10_000,
    firstByteTimeoutMs: 600_000,
    idleTimeoutMs: 300_000,
    maxConnections: 4_096,
    queueTimeoutMs: 10_000,
  });
  assert.deepEqual(config.log, { level: "info", format: "auto" });
  assert.deepEqual(config.providers, []);
});

test("a flag beats the environment, which beats the file, which beats the default", () => {
  const file = "server: { port: 1000 }";
  const environment = { PORTCULLIS_SERVER_PORT: "2000" };
  const flags = { "server.port": 3000 };
  assert.equal(port(place()), 8484);
  assert.equal(port(place(file)), 1000);
  assert.equal(port(place(file, { environment })), 2000);
  assert.equal(port(place(file, { environment, flags })), 3000);
  assert.equal(port(place(file, { flags })), 3000);
  assert.equal(port(place(undefined, { environment, flags: { "server.port": undefined } })), 2000);
  assert.equal(
    port(place(file, { environment: { PORTCULLIS_SERVER_PORT: "" } })),
    1000,
    "an empty variable is not set",
  );
});

test("where each value comes from is known", () => {
  const { settings } = loadConfig(
    place("# first\nserver:\n  port: 1\n  body_limit_bytes: 2048\nproviders:\n  openai:\n    name: Mine\n", {
      environment: { PORTCULLIS_SERVER_PORT: "2", PORTCULLIS_LOG_FORMAT: "json" },
      flags: { "log.level": "debug" },
    }),
  );
  const originOf = (...path: string[]) => settings.find((each) => each.path.join() === path.join())?.origin;
  assert.deepEqual(originOf("server", "host"), { kind: "default" });
  assert.deepEqual(originOf("server", "port"), { kind: "environment", name: "PORTCULLIS_SERVER_PORT" });
  const inFile = { kind: "file", file: "portcullis.yaml" };
  assert.deepEqual(originOf("server", "body_limit_bytes"), { ...inFile, line: 4, column: 3 });
  assert.deepEqual(originOf("providers", "openai", "name"), { ...inFile, line: 7, column: 5 });
  assert.deepEqual(originOf("log", "level"), { kind: "flag", name: "--log-level" });
});

test("every kind of setting can be set by a variable, names with underscores too", () => {
  const { config } = loadConfig(
    place(undefined, {
      environment: {
        PORTCULLIS_SERVER_BODY_LIMIT_BYTES: "4096",
        PORTCULLIS_SERVER_ALLOWED_HOSTS: "Ai.Example.com, gateway.lan",
        PORTCULLIS_UPSTREAM_FIRST_BYTE_TIMEOUT: "30s",
        PORTCULLIS_USAGE_INCLUDE_STREAM_USAGE: "false",
        PORTCULLIS_KEYS_EXPIRES: "90d",
      },
    }),
  );
  assert.equal(config.server.bodyLimitBytes, 4096);
  assert.deepEqual(config.server.allowedHosts, ["ai.example.com", "gateway.lan"]);
  assert.equal(config.upstream.firstByteTimeoutMs, 30_000);
  assert.equal(config.usage.includeStreamUsage, false);
  assert.equal(config.keys.expiresMs, 90 * 86_400_000);
});

test("the file is the one that is named, else the one here, else the one in the home directory", () => {
  const here = place("server: { port: 1 }");
  const home = join(here.directory, "home");
  mkdirSync(home);
  writeFileSync(join(home, "portcullis.yaml"), "server: { port: 2 }");
  writeFileSync(join(here.directory, "other.yaml"), "server: { port: 3 }");
  assert.equal(port({ ...here, home, file: "other.yaml" }), 3);
  assert.equal(port({ ...here, home }), 1);
  rmSync(join(here.directory, "portcullis.yaml"));
  assert.equal(port({ ...here, home }), 2);
  assert.equal(port({ ...here, environment: { PORTCULLIS_HOME: home } }), 2);
  assert.equal(port({ ...here, environment: { PORTCULLIS_HOME: "home" } }), 2, "relative to the working directory");
  assert.equal(port({ ...here, home: join(here.directory, "empty"), environment: { PORTCULLIS_HOME: home } }), 8484);
});

test("the result cannot be changed", () => {
  const { config } = loadConfig(place("providers: { openai: { models: [a], headers: { x-team: red } } }"));
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(config));
  assert.throws(() => Object.assign(config.server, { port: 1 }), TypeError);
});

test("secrets are taken out of the environment and print as nothing", () => {
  const environment = {
    PORTCULLIS_ADMIN_TOKEN: "canary-admin",
    PORTCULLIS_ROOT_KEY: "canary-root",
    PORTCULLIS_PASSPHRASE: "canary-pass",
    PORTCULLIS_KEY: "canary-key",
    PORTCULLIS_STORAGE_URL: "postgres://u:canary-db@db.lan/p",
    OPENAI_API_KEY: "canary-openai",
    GROQ_API_KEY: "",
    MY_KEY: "canary-mine",
    UNRELATED: "stays",
  };
  const loaded = loadConfig(place("providers: { openai: { api_key: env:MY_KEY } }", { environment }));
  assert.deepEqual(environment, { UNRELATED: "stays" });
  assert.equal(loaded.environment.adminToken?.reveal(), "canary-admin");
  assert.equal(loaded.environment.rootKey?.reveal(), "canary-root");
  assert.equal(loaded.environment.passphrase?.reveal(), "canary-pass");
  assert.equal(loaded.environment.secrets.get("OPENAI_API_KEY")?.reveal(), "canary-openai");
  assert.equal(loaded.environment.secrets.get("MY_KEY")?.reveal(), "canary-mine");
  assert.equal(loaded.environment.secrets.has("GROQ_API_KEY"), false, "an empty variable is not set");
  assert.equal(loaded.config.storage.url.reveal(), "postgres://u:canary-db@db.lan/p");
  assert.doesNotMatch(inspect(loaded, { depth: Infinity }) + JSON.stringify(loaded), /canary/);
});

test("the variables of other vendors' tools are taken too, and no reference can name one", () => {
  const environment: Record<string, string> = {
    AWS_REGION: "eu-central-1",
    AWS_PROFILE: "",
    VAULT_TOKEN: "canary-vault",
    FREE: "canary-free",
    PORTCULLIS_HOME: "/tmp/none",
  };
  const externalVariables = { texts: ["AWS_REGION", "AWS_PROFILE"], secrets: ["VAULT_TOKEN"] };
  const { names, ...rest } = place(undefined, { environment });
  const loaded = loadConfig({ ...rest, names: { ...names, externalVariables } });
  assert.deepEqual(environment, { FREE: "canary-free", PORTCULLIS_HOME: "/tmp/none" });
  assert.deepEqual(loaded.environment.external.texts, { AWS_REGION: "eu-central-1" });
  assert.equal(loaded.environment.external.secrets.get("VAULT_TOKEN")?.reveal(), "canary-vault");
  for (const name of ["VAULT_TOKEN", "AWS_REGION", "PORTCULLIS_HOME", "NOT_SET"]) {
    assert.equal(loaded.variable(name), undefined, name);
  }
  assert.equal(loaded.variable("FREE")?.reveal(), "canary-free");
  assert.equal("FREE" in environment, false, "what a reference named leaves the environment");
  const again = loaded.reload();
  assert.equal(again.variable("FREE")?.reveal(), "canary-free");
  assert.equal(again.environment.external.secrets.get("VAULT_TOKEN")?.reveal(), "canary-vault");
  assert.doesNotMatch(inspect(loaded, { depth: Infinity }) + JSON.stringify(loaded), /canary/);
});

test("a variable that the file names may be written in other ways", () => {
  const environment = { MY_KEY: "canary-mine" };
  const loaded = loadConfig(place("providers: { openai: { api_key: env:my_key } }", { environment }));
  assert.equal(loaded.environment.secrets.get("MY_KEY")?.reveal(), "canary-mine");
});

test("unless told otherwise the environment is that of the process, and the secrets leave it", () => {
  const { directory } = place("server: { port: 1 }");
  const script = `
    import { loadConfig, takeEnvironmentCopy } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
    const copy = takeEnvironmentCopy();
    const names = { dialects: [], providers: [], keyVariables: ["OPENAI_API_KEY"] };
    const { config, environment, file } = loadConfig({ names });
    const token = environment.adminToken.reveal();
    const left = [process.env.PORTCULLIS_ADMIN_TOKEN, process.env.OPENAI_API_KEY];
    console.log(JSON.stringify({ port: config.server.port, file, token, left, copied: copy.OPENAI_API_KEY }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: directory,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], PORTCULLIS_SERVER_PORT: "2", PORTCULLIS_ADMIN_TOKEN: "t", OPENAI_API_KEY: "k" },
  });
  const file = join(realpathSync(directory), "portcullis.yaml");
  assert.deepEqual(JSON.parse(output), { port: 2, file, token: "t", left: [null, null], copied: "k" });
});

test("two providers may share one referenced variable, even one that is taken anyway", () => {
  const { environment } = loadConfig(
    place("providers: { openai: { api_key: env:OPENAI_API_KEY }, ollama: { api_key: env:OPENAI_API_KEY } }", {
      environment: { OPENAI_API_KEY: "shared" },
    }),
  );
  assert.deepEqual([...environment.secrets.keys()], ["OPENAI_API_KEY"]);
});

test("a provider of one's own arrives complete", () => {
  const [provider] = loadConfig(
    place(`
providers:
  box.lan:
    base_url: http://10.0.0.5:8000
    allow_private: true
    dialects: [openai-chat, anthropic-messages]
    api_key: file:/run/secrets/box
    headers: { x-team: research }
    models:
      - small
      - name: large
        context_tokens: 200000
        price_micros_per_mtok: { input: 3000000, output: 15000000, cache_read: 300000 }
        price_micros_per_unit: { image: 40000 }
`),
  ).config.providers;
  assert.deepEqual(provider, {
    id: "box.lan",
    name: undefined,
    dialects: ["openai-chat", "anthropic-messages"],
    baseUrl: "http://10.0.0.5:8000",
    allowPrivate: true,
    apiKey: "file:/run/secrets/box",
    headers: { "x-team": "research" },
    models: [
      {
        name: "small",
        displayName: undefined,
        contextTokens: undefined,
        maxOutputTokens: undefined,
        tokenPrice: undefined,
        unitPrice: undefined,
      },
      {
        name: "large",
        displayName: undefined,
        contextTokens: 200_000,
        maxOutputTokens: undefined,
        tokenPrice: { input: 3_000_000, output: 15_000_000, cache_read: 300_000 },
        unitPrice: { image: 40_000 },
      },
    ],
  });
});

test("the admin plane never listens beyond this machine", () => {
  const listener = (file: string, environment = {}) => loadConfig(place(file, { environment })).config.admin.listener;
  const own = { host: "127.0.0.1", port: 8485 };
  for (const host of ["127.0.0.1", "127.8.0.1", "::1", "localhost", "LocalHost", "::ffff:127.0.0.1"]) {
    assert.equal(listener(`server: { host: "${host}" }`), undefined, host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "gateway.lan", "localhost.example.com", "127.0.0.1.nip.io"]) {
    assert.deepEqual(listener(`server: { host: "${host}" }`), own, host);
  }
  assert.deepEqual(listener("server: { host: 0.0.0.0 }\nadmin: { host: '::1', port: 9000 }"), {
    host: "::1",
    port: 9000,
  });
  assert.deepEqual(listener("admin: { port: 9000 }"), { host: "127.0.0.1", port: 9000 });
  assert.deepEqual(listener("admin: { port: 0 }\nserver: { port: 0 }"), { host: "127.0.0.1", port: 0 });
  assert.equal(
    listener("admin: { host: 127.0.0.1, port: 8484 }"),
    undefined,
    "the server's own address means its listener",
  );
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "gateway.lan"]) {
    assert.throws(() => listener(`admin: { host: "${host}" }`), /"admin.host" must be a loopback address/, host);
    assert.throws(() => listener("", { PORTCULLIS_ADMIN_HOST: host }), /PORTCULLIS_ADMIN_HOST: "admin.host" must be/);
  }
});

test("variables that Kubernetes sets for a Service of our name are none of ours", () => {
  const environment = {
    PORTCULLIS_SERVICE_HOST: "10.0.0.1",
    PORTCULLIS_SERVICE_PORT: "8484",
    PORTCULLIS_SERVICE_PORT_HTTP: "8484",
    PORTCULLIS_PORT: "tcp://10.0.0.1:8484",
    PORTCULLIS_PORT_8484_TCP: "tcp://10.0.0.1:8484",
    PORTCULLIS_PORT_8484_TCP_PROTO: "tcp",
    PORTCULLIS_PORT_8484_TCP_ADDR: "10.0.0.1",
    PORTCULLIS_ADMIN_SERVICE_HOST: "10.0.0.2",
    PORTCULLIS_ADMIN_PORT: "tcp://10.0.0.2:8485",
  };
  assert.equal(loadConfig(place(undefined, { environment })).config.admin.listener, undefined);
});

test("an invalid configuration is one error with all its problems", () => {
  const options = place("server: { port: x }\nlog: { level: loud }\n");
  assert.throws(
    () => loadConfig(options),
    (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "config_invalid");
      assert.match(
        error.message,
        /^the configuration has 2 problems:\n {2}portcullis\.yaml:1:17: .*\n {2}portcullis\.yaml:2:15: /,
      );
      assert.match(error.hint ?? "", /portcullis config explain/);
      return true;
    },
  );
  assert.throws(() => loadConfig(place("server: { port: x }")), {
    message: /^portcullis\.yaml:1:17: "server\.port" must be/,
  });
  const many = Array.from({ length: 80 }, (_, index) => `unknown${index}: 1`).join("\n");
  assert.throws(() => loadConfig(place(many)), /has 80 problems[^]*and 30 more$/);
});

test("what says where the key ring and the system's credentials are is passed on, and stays where it is", () => {
  const environment = { HOME: "/home/ada", DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus", USER: "", PATH: "/bin" };
  const loaded = loadConfig(
    place("", { environment: { ...environment, CREDENTIALS_DIRECTORY: "/run/credentials/p" } }),
  );
  assert.deepEqual(loaded.environment.session, {
    HOME: "/home/ada",
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus",
  });
  assert.equal(loaded.environment.credentialsDirectory, "/run/credentials/p");
  assert.deepEqual(loaded.reload().environment.session, loaded.environment.session);
  assert.deepEqual(loadConfig(place()).environment.session, {});
});
