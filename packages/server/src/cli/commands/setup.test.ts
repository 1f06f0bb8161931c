import assert from "node:assert/strict";
import test from "node:test";
import type { Status } from "@portcullis/contract";
import { credential, issuedKey, provider, status } from "../test/examples.ts";
import { problemOf, type Answers } from "../test/admin-server.ts";
import { enter, runAgainst } from "../test/terminal.ts";

const claimed = { owner: { id: "usr_1", name: "ada", created_at: status.started_at }, admin_key: "pca_new" };

function fresh(found: Partial<Status> = { claimed: false }): Answers {
  return {
    status: { get: async () => ({ ...status, ...found }) },
    setup: { claim: async () => claimed },
    providers: { list: async () => [provider] },
    credentials: { create: async () => credential },
    keys: { create: async () => issuedKey },
  };
}

/** A machine without the gateway's token file. */
const elsewhere = { readAdminToken: async () => undefined };
const withoutToken: Answers = {
  ...fresh(),
  status: {
    get: async () => {
      throw problemOf("admin_required");
    },
  },
};

test("a script sets a gateway up on its own machine without any code", async (context) => {
  const argv = [
    "setup",
    "--name",
    "ada",
    "--provider",
    "openai",
    "--provider-key-env",
    "OPENAI_API_KEY",
    "--create-key",
    "--json",
  ];
  const { code, stdout, stderr, calls } = await runAgainst(context, fresh(), argv, {
    environment: { OPENAI_API_KEY: "sk-1" },
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    owner: claimed.owner,
    admin_key: "pca_new",
    credential: { id: "cred_1", provider: "openai" },
    key: { id: "k7f3q", key: "pc_k7f3q_secret_crc" },
  });
  assert.deepEqual(
    calls.map(({ name, authorization }) => [name, authorization]),
    [
      ["status.get", "Bearer pca_from_the_file"],
      ["setup.claim", "Bearer pca_from_the_file"],
      ["credentials.create", "Bearer pca_new"],
      ["keys.create", "Bearer pca_new"],
    ],
  );
  assert.deepEqual(calls[1]?.input, { name: "ada" });
});

test("from elsewhere the one-time code is needed, and goes on with the key it gave", async (context) => {
  const piped = await runAgainst(context, withoutToken, ["setup", "--name", "ada"], {
    stdin: "abcd-efgh\n",
    parts: elsewhere,
  });
  assert.equal(piped.code, 0, piped.stderr);
  assert.deepEqual(piped.calls.at(-1)?.input, { code: "abcd-efgh", name: "ada" });
  assert.match(piped.stdout, /admin key +pca_new/);
});

test("at a terminal everything is asked for", async (context) => {
  const { code, stdout, stderr, calls } = await runAgainst(context, withoutToken, ["setup"], {
    parts: elsewhere,
    terminal: {
      replies: [
        ["setup code", `abcd${enter}`],
        ["your name", `ada${enter}`],
        ["add a provider's API key", enter],
        ["of which provider", enter],
        ["API key of openai", `sk-canary${enter}`],
        ["make a first key", "n"],
      ],
    },
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    calls.slice(1).map(({ name, input }) => [name, input]),
    [
      ["setup.claim", { code: "abcd", name: "ada" }],
      ["providers.list", undefined],
      ["credentials.create", { provider: "openai", value: "sk-canary", test: true }],
    ],
  );
  assert.doesNotMatch(stdout + stderr, /canary|abcd/);
});

test("an instance that has an owner keeps it, and the rest goes on", async (context) => {
  const { code, stdout, calls } = await runAgainst(context, fresh({ claimed: true }), ["setup", "--create-key"]);
  assert.equal(code, 0);
  assert.match(stdout, /owner +as before\n/);
  assert.deepEqual(
    calls.map(({ name }) => name),
    ["status.get", "keys.create"],
  );
});

test("a wrong code is refused, a missing name is a wrong usage", async (context) => {
  const refusing: Answers = {
    ...withoutToken,
    setup: {
      claim: async () => {
        throw problemOf("setup_code_invalid");
      },
    },
  };
  const wrong = await runAgainst(context, refusing, ["setup", "--name", "ada"], { stdin: "nope", parts: elsewhere });
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /^error: the setup code is not valid\nhint: /);
  assert.equal((await runAgainst(context, fresh(), ["setup"])).code, 2);
});
