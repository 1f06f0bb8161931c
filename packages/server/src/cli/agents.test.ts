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

test("gemini gets the address and the key, and a home that makes it use them", () => {
  const google = { ...own, GOOGLE_API_KEY: "AIza-own", GOOGLE_GENAI_USE_VERTEXAI: "true" };
  const { args, environment, home } = agentCommand("gemini", ["-p", "hi"], gateway, google);
  assert.deepEqual(args, ["-p", "hi"]);
  assert.deepEqual(environment, {
    PATH: "/bin",
    ANTHROPIC_API_KEY: "sk-ant-own",
    OPENAI_API_KEY: "sk-own",
    CLAUDE_CODE_USE_BEDROCK: "1",
    GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:8484",
    GEMINI_API_KEY: "pc_canary",
  });
  assert.equal(home?.variable, "GEMINI_CLI_HOME");
});

test("opencode gets the gateway as every vendor it speaks to, no other provider, and the key by name", () => {
  const { args, environment } = agentCommand("opencode", ["run", "hi"], gateway, own);
  assert.deepEqual(args, ["run", "hi"]);
  assert.equal(environment["PORTCULLIS_KEY"], "pc_canary");
  assert.equal(environment["ANTHROPIC_API_KEY"], undefined);
  const settings = environment["OPENCODE_CONFIG_CONTENT"] ?? "";
  assert.ok(!settings.includes("pc_canary"));
  const { enabled_providers: enabled, provider } = JSON.parse(settings) as {
    enabled_providers: string[];
    provider: Record<string, { options: { baseURL: string; apiKey: string } }>;
  };
  assert.deepEqual(Object.keys(provider), enabled);
  assert.deepEqual(
    Object.values(provider).map(({ options }) => options.baseURL),
    ["/v1", "/v1beta", "/v1", "/v1"].map((path) => gateway.url + path),
  );
  assert.ok(Object.values(provider).every(({ options }) => options.apiKey === "{env:PORTCULLIS_KEY}"));
});

test("any other program gets the variables that the vendors' SDKs read", () => {
  const { args, environment } = agentCommand("constructor", ["app.py"], gateway, own);
  assert.deepEqual(args, ["app.py"]);
  assert.equal(environment["OPENAI_BASE_URL"], "http://127.0.0.1:8484/v1");
  assert.equal(environment["OPENAI_API_KEY"], "pc_canary");
  assert.equal(environment["ANTHROPIC_BASE_URL"], "http://127.0.0.1:8484");
  assert.equal(environment["GOOGLE_GEMINI_BASE_URL"], "http://127.0.0.1:8484");
  assert.equal(environment["GEMINI_API_KEY"], "pc_canary");
});

test("no agent sees the right to administer the gateway, or the key in its arguments", () => {
  for (const name of ["claude", "codex", "gemini", "python"]) {
    const { args, environment } = agentCommand(name, [], gateway, own);
    assert.doesNotMatch(JSON.stringify(environment), /pca_admin|open sesame/, name);
    assert.doesNotMatch(args.join(" "), /canary/, name);
  }
});
