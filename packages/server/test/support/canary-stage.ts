/**
 * A gateway in a process of its own with everything planted that must not get out, and a record of all that it and its
 * commands write.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../src/db/index.ts";
import { createSimulator, scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { canaryOf, plant, type Canary, type Trace } from "./canaries.ts";
import type { TestDatabase } from "./databases.ts";
import { send, temporaryHome, type Reply } from "./gateway.ts";
import { cli, serve } from "./process.ts";

type Headers = Readonly<Record<string, string | null>>;
type Json = Readonly<Record<string, unknown>>;

export interface Stage {
  readonly canaries: ReadonlyMap<string, Canary>;
  readonly traces: readonly Trace[];
  readonly provider: { readonly url: string };
  readonly home: string;
  /** Keys by reference, a header, addresses: what `serve` runs with. */
  readonly configFile: string;
  /** With a key where a reference belongs. */
  readonly brokenConfigFile: string;
  /** What `serve` runs with. */
  readonly environment: Readonly<Record<string, string>>;
  callerKey: string;
  /** What is planted under this name. */
  value(name: string): string;
  /** Its letters and digits alone, for places that take nothing else. */
  core(name: string): string;
  /** A secret that the gateway made. Of its keys, only the secret part is searched for: the id is for everybody. */
  know(name: string, value: string): void;
  /** A call of the admin plane (`POST /keys`), refused if it is labelled `bad …`; text is sent as it is, else JSON. */
  admin(label: string, call: `${string} /${string}`, body?: unknown): Promise<Json>;
  /** A request of a caller, with a script for the provider; resolves to its status. */
  ask(label: string, path: string, body: unknown, script?: Script, headers?: Headers): Promise<number>;
  request(label: string, method: string, path: string, key: string): Promise<void>;
  /** A command of the CLI; resolves to its exit code and to what it printed, if that is JSON. */
  command(
    args: readonly string[],
    given?: { readonly input?: string; readonly environment?: Readonly<Record<string, string>> },
  ): Promise<{ readonly code: number | null; readonly json: Json }>;
  /** Ends the gateway, having read what it wrote before and after. */
  collect(): Promise<void>;
  close(): Promise<void>;
}

/** Texts, as people and models write them. The rest are keys. */
const texts = ["prompt", "system prompt", "reply", "tool argument", "tool description"];
const keys = [
  "stored key",
  "piped key",
  "environment key",
  "usual variable",
  "key file",
  "tested key",
  "refused key",
  "foreign key",
  "misplaced key",
  "key as the model",
  "declared header",
  "caller's header",
  "query",
  "admin token",
  "passphrase",
  "wrong passphrase",
  "wrong setup code",
  "password in an address",
  "database password",
  "inline key",
];

export async function openStage(database: TestDatabase, logFormat: "json" | "pretty"): Promise<Stage> {
  const canaries = new Map<string, Canary>();
  for (const name of texts) canaries.set(name, plant(name, 'He said: "', '" – ü, c:\\a/b'));
  for (const name of keys) canaries.set(name, plant(name, "sk-canary-", "+/="));
  const planted = (name: string): Canary => {
    const canary = canaries.get(name);
    assert.ok(canary !== undefined, `nothing is planted as ${name}`);
    return canary;
  };
  const value = (name: string): string => planted(name).value;
  const traces: Trace[] = [];
  const write = (where: string, ...parts: readonly (string | Uint8Array)[]): void =>
    void traces.push({ where, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) });

  const accepted = ["stored key", "piped key", "environment key", "usual variable", "key file"].map(value);
  const simulator = createSimulator({ apiKeys: accepted });
  const provider = await simulator.listen();
  const directory = temporaryHome();
  const home = join(directory, "home");
  const files = writeFiles(directory, provider.url, value);
  const storageUrl = await storageOf(database, home, value("database password"));
  const environment = {
    PORTCULLIS_STORAGE_URL: storageUrl,
    PORTCULLIS_ADMIN_TOKEN: value("admin token"),
    PORTCULLIS_LOG_LEVEL: "debug",
    PORTCULLIS_LOG_FORMAT: logFormat,
    PROVIDER_KEY: value("environment key"),
    ANTHROPIC_API_KEY: value("usual variable"),
  };
  const gate = await serve({ home, args: ["--config", files.configFile], environment });
  const know = (name: string, text = ""): void => {
    assert.ok(text.length >= 16, name);
    canaries.set(name, canaryOf(name, /^pca?_[^_]+_([^_]+)_/.exec(text)?.[1] ?? text));
  };
  know("setup code", (await gate.printed(/the code (\S+)/))[1]);
  canaries.set("root key", canaryOf("root key", readFileSync(join(home, "root.key"))));

  const writeReply = (label: string, { status, headers, body }: Reply): void =>
    write(label, `${status}\n${JSON.stringify(headers)}\n`, body);
  const stage: Stage = {
    canaries,
    traces,
    provider,
    home,
    ...files,
    environment,
    callerKey: "",
    value,
    know,
    core: (name) => planted(name).core,
    async admin(label, call, body) {
      const [method = "", path = ""] = call.split(" ");
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const reply = await send(`${gate.url}/api/v1${path}`, method, value("admin token"), {}, text);
      writeReply(`reply to ${label}`, reply);
      assert.equal(reply.status >= 400, label.startsWith("bad "), `${label}: ${reply.body.toString()}`);
      return reply.body.length === 0 ? {} : (reply.json() as Json);
    },
    async ask(label, path, body, script = {}, headers = {}) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const all = { "anthropic-version": "2023-06-01", ...scriptHeaders(script), ...headers };
      const reply = await send(gate.url + path, "POST", stage.callerKey, all, text);
      writeReply(label, reply);
      return reply.status;
    },
    async request(label, method, path, key) {
      writeReply(label, await send(gate.url + path, method, key));
    },
    async command(args, { input = "", environment: given = {} } = {}) {
      const { code, stdout, stderr } = await cli(args, { home, url: gate.url, input, environment: given });
      const shown = args.map((word) =>
        [...canaries.values()].some((canary) => word.includes(canary.core)) ? "…" : word,
      );
      write(`output of ${shown.join(" ")}`, stdout, stderr);
      return { code, json: stdout.startsWith("{") ? (JSON.parse(stdout) as Json) : {} };
    },
    async collect() {
      collectFiles(home, write);
      const { stdout, stderr, code } = await gate.stop();
      assert.equal(code, 0, stderr);
      write("standard output of serve", stdout);
      write("log", stderr);
      collectFiles(home, write);
      await collectTables(storageUrl, home, write);
      for (const { path, headers, body } of simulator.requests) {
        write("request to the provider", path, "\n", headers.join("\n"), "\n", body);
      }
    },
    async close() {
      await gate.kill();
      await simulator.close();
    },
  };
  return stage;
}

/** Outside the home: what a person wrote there is not something the gateway wrote. */
function writeFiles(directory: string, baseUrl: string, value: (name: string) => string) {
  mkdirSync(join(directory, "given"), { mode: 0o700 });
  const keyFile = join(directory, "given", "provider.key");
  const configFile = join(directory, "given", "portcullis.yaml");
  const brokenConfigFile = join(directory, "given", "broken.yaml");
  writeFileSync(keyFile, `${value("key file")}\n`, { mode: 0o600 });
  const place = { base_url: baseUrl, allow_private: true };
  const headers = { "x-declared": value("declared header") };
  const providers = {
    "sim-env": { ...place, dialect: "openai-chat", api_key: "env:PROVIDER_KEY", headers },
    "sim-file": { ...place, dialect: "openai-chat", api_key: `file:${keyFile}` },
    anthropic: place,
  };
  writeFileSync(configFile, JSON.stringify({ providers }), { mode: 0o600 }); // JSON is YAML
  const inline = {
    ...place,
    base_url: `https://user:${value("password in an address")}@example.com`,
    api_key: value("inline key"),
  };
  const storage = { url: `postgres//user:${value("database password")}@db/x` };
  const broken = { providers: { inline, [value("inline key")]: place }, storage, log: { level: value("inline key") } };
  writeFileSync(brokenConfigFile, JSON.stringify(broken), { mode: 0o600 });
  return { configFile, brokenConfigFile };
}

/** The address of a fresh database, on PostgreSQL with a password in it. */
async function storageOf(database: TestDatabase, home: string, password: string): Promise<string> {
  if (database.name === "SQLite") return `sqlite:${join(home, "portcullis.db")}`;
  const url = new URL(await database.create("empty"));
  url.searchParams.set("password", password);
  return url.href;
}

type Write = (where: string, ...parts: readonly (string | Uint8Array)[]) => void;

function collectFiles(home: string, write: Write): void {
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) write(`file ${path.slice(home.length + 1)}`, readFileSync(path));
  }
}

/** Cell by cell: in the database file a long value may be cut by the border of a page. */
async function collectTables(url: string, home: string, write: Write): Promise<void> {
  const db = await openDatabase({ url, home });
  try {
    for (const { name } of await db.kysely.introspection.getTables()) {
      const rows: readonly object[] = await db.kysely
        .selectFrom(name as "instance")
        .selectAll()
        .execute();
      for (const row of rows) {
        const cells = Object.values(row).map((cell: unknown) => (cell instanceof Uint8Array ? cell : String(cell)));
        write(`table ${name}`, ...cells.flatMap((cell) => [cell, "\n"]));
      }
    }
  } finally {
    await db.close();
  }
}
