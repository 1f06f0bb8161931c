import assert from "node:assert/strict";
import test from "node:test";
import { problemOf } from "./test/admin-server.ts";
import { status } from "./test/examples.ts";
import { run, runAgainst } from "./test/terminal.ts";

const answers = { status: { get: async () => status } };

test("the gateway is found by --url before PORTCULLIS_URL, wherever on the line it stands", async (context) => {
  const { url } = await runAgainst(context, answers, ["status"]);
  for (const argv of [
    ["status", "--url", url],
    ["--url", url, "status"],
    [`--url=${url}/`, "status"],
  ]) {
    const { code, stdout } = await run(argv, { environment: { PORTCULLIS_URL: "http://127.0.0.1:1" } });
    assert.equal(code, 0, argv.join(" "));
    assert.match(stdout, /vault +unsealed\n/);
  }
});

test("PORTCULLIS_ADMIN_TOKEN goes before the token file", async (context) => {
  const own = await runAgainst(context, answers, ["status"], { environment: { PORTCULLIS_ADMIN_TOKEN: "pca_own" } });
  assert.equal(own.calls[0]?.authorization, "Bearer pca_own");
  const file = await runAgainst(context, answers, ["status"], { environment: { PORTCULLIS_ADMIN_TOKEN: "" } });
  assert.equal(file.calls[0]?.authorization, "Bearer pca_from_the_file");
});

test("the token file of this machine is not even read for a gateway elsewhere", async () => {
  const parts = { readAdminToken: () => Promise.reject(new Error("the token file was read")) };
  for (const url of ["http://gateway.invalid:8484", "http://127.0.0.1.invalid", "http://[2001:db8::1]:1"]) {
    const { stderr } = await run(["status", "--url", url], { parts });
    assert.doesNotMatch(stderr, /token file/, url);
  }
  for (const url of ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]) {
    assert.match((await run(["status", "--url", url], { parts })).stderr, /token file/, url);
  }
});

test("--home says whose token file is read", async (context) => {
  let asked: string | undefined;
  const readAdminToken = async (home: string | undefined) => void (asked = home);
  await runAgainst(context, answers, ["status", "--home", "/srv/gate"], { parts: { readAdminToken } });
  assert.equal(asked, "/srv/gate");
});

test("an address that is none is a wrong usage", async () => {
  for (const url of ["127.0.0.1:8484", "localhost:8484", "ftp://x", "http://user:canary@host", ""]) {
    const { code, stderr } = await run(["status", "--url", url]);
    assert.equal(code, 2, url);
    assert.match(
      stderr,
      /--url does not hold the address of a gateway\nhint: write it like http:\/\/127\.0\.0\.1:8484\n$/,
    );
    assert.doesNotMatch(stderr, /canary/);
  }
});

test("what the gateway says becomes the exit code, and one error with one hint", async (context) => {
  const cases = [
    ["invalid_request", 2],
    ["not_found", 3],
    ["admin_required", 4],
    ["address_not_allowed", 4],
    ["already_claimed", 1],
    ["provider_test_failed", 1],
    ["vault_sealed", 1],
    ["internal", 1],
  ] as const;
  for (const [code, expected] of cases) {
    const failing = {
      status: {
        get: async () => {
          throw problemOf(code);
        },
      },
    };
    const { code: exitCode, stdout, stderr } = await runAgainst(context, failing, ["status", "--json"]);
    assert.equal(exitCode, expected, code);
    assert.match(stderr, /^error: [^\n]*[^.\n]\n(hint: [^\n]*[^.\n]\n)?$/, code);
    assert.equal(stdout, "");
  }
});

test("no gateway, or something else at its address, is unreachable", async (context) => {
  const nothing = await run(["status", "--url", "http://127.0.0.1:1"]);
  assert.equal(nothing.code, 5);
  assert.match(
    nothing.stderr,
    /^error: nothing answers at http:\/\/127\.0\.0\.1:1\nhint: start the gateway with `portcullis serve`/,
  );
  const { url } = await runAgainst(context, {}, ["--version"]);
  assert.equal((await run(["status", "--url", `${url}/elsewhere`])).code, 3);
});

test("a failure that the gateway logged is shown with the id it is logged under", async (context) => {
  const failing = {
    status: {
      get: async () => {
        throw problemOf("internal");
      },
    },
  };
  assert.match((await runAgainst(context, failing, ["status"])).stderr, /\(request r1\)\n/);
});
