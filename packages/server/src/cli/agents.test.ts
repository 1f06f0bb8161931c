import assert from "node:assert/strict";
import test from "node:test";
import { agentCommand } from "./agents.ts";

const gateway = { url: "http://127.0.0.1:8484", key: "pc_canary" };
const own = {
  PATH: "/bin",
  ANTHROPIC_API_KEY: "sk-ant-own",
  OPENAI_API_KEY: "sk-own",
  CLAUDE_CODE_USE_BEDROCK: "1",
  PORTCULLIS_ADMIN_TOKEN: "pca_admin",
  PORTCULLIS_PASSPHRASE: "open sesame",
};

test("claude gets the gateway's address and the key as its token, and no key of its own beside it", () => {
  const { program, args, environment } = agentCommand("claude", ["-p", "hi"], gateway, own);
  assert.equal(program, "claude");
  assert.deepEqual(args, ["-p", "hi"]);
  assert.deepEqual(environment, {
    PATH: "/bin",
    OPENAI_API_KEY: "sk-own",
    ANTHROPIC_BASE_URL: "http://127.0.0.1:8484",
    ANTHROPIC_AUTH_TOKEN: "pc_canary",
  });
});

test("codex gets a provider of its own by overrides, and the key by name", () => {
  const { args, environment } = agentCommand("codex", ["exec", "hi"], gateway, own);
  assert.deepEqual(args.slice(-2), ["exec", "hi"]);
  assert.deepEqual(args.filter((_, index) => index % 2 === 1).slice(0, 5), [
    'model_provider="portcullis"',
    'model_providers.portcullis.name="Portcullis"',
    'model_providers.portcullis.base_url="http://127.0.0.1:8484/v1"',
    'model_providers.portcullis.env_key="PORTCULLIS_KEY"',
    'model_providers.portcullis.wire_api="responses"',
  ]);
  assert.equal(environment["PORTCULLIS_KEY"], "pc_canary");
});

test("any other program gets the variables that the vendors' SDKs read", () => {
  const { args, environment } = agentCommand("constructor", ["app.py"], gateway, own);
  assert.deepEqual(args, ["app.py"]);
  assert.equal(environment["OPENAI_BASE_URL"], "http://127.0.0.1:8484/v1");
  assert.equal(environment["OPENAI_API_KEY"], "pc_canary");
  assert.equal(environment["ANTHROPIC_BASE_URL"], "http://127.0.0.1:8484");
});

test("no agent sees the right to administer the gateway, or the key in its arguments", () => {
  for (const name of ["claude", "codex", "python"]) {
    const { args, environment } = agentCommand(name, [], gateway, own);
    assert.doesNotMatch(JSON.stringify(environment), /pca_admin|open sesame/, name);
    assert.doesNotMatch(args.join(" "), /canary/, name);
  }
});
