import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { startAdminServer } from "../test/admin-server.ts";
import { issuedKey, status } from "../test/examples.ts";

const entry = fileURLToPath(import.meta.resolve("../test/entry.ts"));

/** Starts `run` as a program of its own; the agent is Node with the given script. */
function start(environment: Readonly<Record<string, string>>, script: string, program = process.execPath) {
  const child = spawn(process.execPath, [entry, "run", program, "--", "-e", script, "--", "--json"], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { child, result: result.then(([stdout, stderr, [code]]) => ({ stdout, stderr, code: code as number })) };
}

async function gateway(context: TestContext) {
  const server = await startAdminServer({
    status: { get: async () => status },
    keys: { create: async () => issuedKey, remove: async () => undefined },
  });
  context.after(() => server.close());
  return {
    environment: { PORTCULLIS_URL: server.url },
    names: () => server.calls.map(({ name }) => name),
    calls: server.calls,
  };
}

/** An address of this machine where nothing answers. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** Ends with exit code 7, after a call to the gateway. */
const callsAndEnds = "fetch(process.env.ANTHROPIC_BASE_URL + '/api/v1/status').then(() => process.exit(7))";
const printAccess = "console.log(process.env.OPENAI_BASE_URL, process.env.OPENAI_API_KEY, process.argv.at(-1))";

test("the agent gets a key for as long as it runs, and its arguments; its exit code is the result", async (context) => {
  const { environment, names, calls } = await gateway(context);
  const { stdout, stderr, code } = await start(environment, `${printAccess}; ${callsAndEnds}`).result;
  assert.deepEqual([stderr, code], ["", 7]);
  assert.equal(stdout, `${environment.PORTCULLIS_URL}/v1 pc_k7f3q_secret_crc --json\n`);
  assert.deepEqual(names(), ["status.get", "keys.create", "status.get", "keys.remove"]);
  assert.deepEqual(calls[1]?.input, { description: `run ${process.execPath}`, expires_in: "24h", admin: false });
  assert.deepEqual(calls.at(-1)?.params, { id: "k7f3q" });
});

test("a key in PORTCULLIS_KEY is used, and no other made", async (context) => {
  const { environment, names } = await gateway(context);
  const { stdout } = await start({ ...environment, PORTCULLIS_KEY: "pc_own" }, printAccess).result;
  assert.match(stdout, / pc_own /);
  assert.deepEqual(names(), ["status.get"]);
});

test("the key is deleted also when the agent is not there, or is killed", async (context) => {
  const { environment, names } = await gateway(context);
  const missing = await start(environment, "", "no-such-agent").result;
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /^error: there is no program `no-such-agent` here\nhint: /);
  const killed = await start(environment, "process.kill(process.pid, 'SIGKILL')").result;
  assert.equal(killed.code, 128 + 9);
  assert.equal(names().filter((name) => name === "keys.remove").length, 2);
});

test("a signal reaches the agent, which may still do its work, and the key is deleted after it", async (context) => {
  const { environment, names } = await gateway(context);
  const script =
    "process.on('SIGTERM', () => { console.log('saved'); process.exit(3); }); setInterval(() => {}, 1e6); console.log('up')";
  const { child, result } = start(environment, script);
  await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  child.kill("SIGTERM");
  const { stdout, code } = await result;
  assert.deepEqual([stdout, code], ["up\nsaved\n", 3]);
  assert.deepEqual(names(), ["status.get", "keys.create", "keys.remove"]);
});

test("where no gateway answers, one is started, and stopped after the agent and its key", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "portcullis-"));
  context.after(() => rm(directory, { recursive: true }));
  const url = await freeAddress();
  const callsFile = join(directory, "calls");
  const { stdout, stderr, code } = await start({ PORTCULLIS_URL: url, TEST_CALLS_FILE: callsFile }, printAccess).result;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${url}/v1 pc_k7f3q_secret_crc --json\n`);
  assert.equal(stderr, `no gateway at ${url}; starting one\n`);
  assert.equal(await readFile(callsFile, "utf8"), "keys.create keys.remove");
});

test("a gateway that does not start is told with its own last words", async () => {
  const { stderr, code } = await start({ PORTCULLIS_URL: await freeAddress(), TEST_SERVE_FAILS: "yes" }, "").result;
  assert.equal(code, 1);
  assert.match(stderr, /error: the gateway did not start: error: the disk is full\nhint: /);
});

test("a gateway elsewhere is not started here", async () => {
  const { stderr, code } = await start({ PORTCULLIS_URL: "http://gateway.invalid:8484" }, "").result;
  assert.equal(code, 5);
  assert.match(stderr, /^error: nothing answers at /);
});
