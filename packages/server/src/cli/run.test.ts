import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import test from "node:test";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { ServeOptions } from "./index.ts";
import { auditEvent } from "./test/examples.ts";
import { run, runAgainst } from "./test/terminal.ts";

test("the first line of `serve` is the one that scripts wait for", async () => {
  let given: ServeOptions | undefined;
  const serve: NonNullable<Parameters<typeof run>[1]>["parts"] = {
    async serve(options, started) {
      given = options;
      started({ url: "http://127.0.0.1:9000", adminUrl: "http://127.0.0.1:8485", setupCode: new Secret("abcd-efgh") });
    },
  };
  const argv = [
    "serve",
    "--port",
    "0",
    "--host",
    "0.0.0.0",
    "--home",
    "/srv",
    "--config",
    "c.yaml",
    "--log-level",
    "debug",
    "--trace-requests",
  ];
  const { code, stdout } = await run(argv, { parts: serve });
  assert.equal(code, 0);
  assert.equal(stdout.split("\n")[0], "portcullis listening on http://127.0.0.1:9000");
  assert.match(stdout, /admin API on http:\/\/127.0.0.1:8485\n.*abcd-efgh\n/);
  assert.deepEqual(given, {
    host: "0.0.0.0",
    port: 0,
    home: "/srv",
    config: "c.yaml",
    logLevel: "debug",
    traceRequests: true,
  });
});

test("what runs in this process gets its options and prints its facts", async () => {
  const said = await run(["demo", "--port", "9"], { parts: { demo: async ({ port }, say) => say(`port ${port}`) } });
  assert.equal(said.stdout, "port 9\n");
  const simulated = await run(["simulate", "--scenario", "slow.json"], {
    parts: { simulate: async ({ scenario }, started) => started({ url: `http://x/${scenario}` }) },
  });
  assert.equal(simulated.stdout, "simulated provider listening on http://x/slow.json\n");
});

test("`doctor` fails when a check fails, and not for a warning", async () => {
  const warning = { check: "clock", state: "warning", detail: "a little late", hint: "set it" } as const;
  const failed = { check: "disk", state: "failed", detail: "full" } as const;
  const fine = await run(["doctor"], { parts: { doctor: async () => [warning] } });
  assert.equal(fine.code, 0);
  assert.equal(fine.stdout, "warning  clock: a little late\n         set it\n");
  const bad = await run(["doctor", "--json"], { parts: { doctor: async () => [warning, failed] } });
  assert.equal(bad.code, 1);
  assert.deepEqual(JSON.parse(bad.stdout), [warning, failed]);
});

test("the database commands show what was done", async () => {
  const database = () => ({
    status: async () => ({ engine: "sqlite", current: 1, known: 2, pending: ["0002-more"] }),
    migrate: async () => ({ from: 1, to: 2, applied: ["0002-more"] }),
    backup: async (file: string) => ({ file, bytes: 4096 }),
  });
  assert.match((await run(["db", "status"], { parts: { database } })).stdout, /migrations to run +0002-more\n/);
  assert.equal((await run(["db", "migrate"], { parts: { database } })).stdout, "applied 0002-more\n");
  assert.equal((await run(["db", "backup", "a.db"], { parts: { database } })).stdout, "wrote 4096 bytes to a.db\n");
});

test("the configuration is checked, explained and printed", async (context) => {
  const home = await mkdtemp(join(tmpdir(), "portcullis-"));
  context.after(() => rm(home, { recursive: true }));
  const file = join(home, "portcullis.yaml");
  await writeFile(file, "server:\n  port: 9000\n");
  const place = ["--config", file, "--home", home];
  const good = await run(["config", "check", ...place]);
  assert.deepEqual([good.code, good.stdout], [0, `${file} is valid\n`]);
  assert.match(
    (await run(["config", "explain", "server.port", ...place])).stdout,
    /^server\.port\n.*\n {2}must be: .*\n {2}value: 9000/,
  );
  assert.match((await run(["config", "print", ...place])).stdout, /port: 9000/);
  assert.equal(JSON.parse((await run(["config", "print", "--json", ...place])).stdout)["server.port"], 9000);
  await writeFile(file, "server:\n  prot: 9000\n");
  const bad = await run(["config", "check", ...place]);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /prot/);
  assert.equal((await run(["config", "print", ...place])).code, 1);
});

test("audit events are shown with the newest last, next to the prompt", async (context) => {
  const answers = {
    audit: {
      list: async () => ({ data: [{ ...auditEvent, seq: 2, action: "keys.remove" }, auditEvent], next_cursor: null }),
    },
  };
  const { stdout, calls } = await runAgainst(context, answers, ["audit", "tail", "--limit", "2"]);
  assert.match(stdout, /keys\.create[^\n]*user=ada\n[^\n]*keys\.remove/);
  assert.deepEqual(calls[0]?.query, { limit: 2 });
});

test("an error of several lines cannot pass for a hint", async () => {
  const demo = () =>
    Promise.reject(new AppError("config_invalid", { problem: "two problems:\n  one\nhint: rm -rf", advice: "look" }));
  const { code, stderr } = await run(["demo"], { parts: { demo } });
  assert.equal(code, 1);
  assert.equal(stderr, "error: two problems:\n  one\n  hint: rm -rf\nhint: look\n");
});

test("what nobody foresaw is an error line and exit code 1, not a stack", async () => {
  const { code, stderr } = await run(["demo"], { parts: { demo: () => Promise.reject(new TypeError("Boom.")) } });
  assert.deepEqual([code, stderr], [1, "error: Boom\n"]);
});

test("a reader that closes the pipe early is no failure, nor is a terminal that was closed", async () => {
  for (const lost of ["EPIPE", "EIO"]) {
    const stdout = Object.assign(new PassThrough(), { columns: 80 });
    const demo = async (): Promise<void> => {
      stdout.emit("error", Object.assign(new Error(`write ${lost}`), { code: lost }));
    };
    assert.equal((await run(["demo"], { parts: { stdout, demo } })).code, 0);
  }
});
