import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { accountKey, openAwsServer } from "../../test/support/aws-server.ts";
import { azureClient, azureTenant, azureVersion, openAzureServer } from "../../test/support/azure-server.ts";
import { googleProject, openGoogleServer } from "../../test/support/google-server.ts";
import { openHashicorpServer } from "../../test/support/hashicorp-server.ts";
import { idOf, onePasswordVault, openOnePasswordServer } from "../../test/support/onepassword-server.ts";
import { systemClock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { failureOf, openSources, testSource, value, type SourceFixture } from "./conformance.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-sources-"));
after(() => rmSync(directory, { recursive: true }));

async function vault() {
  const server = await openHashicorpServer({ clock: systemClock });
  return {
    server,
    settings: { vault: { address: server.url, auth: "token" as const } },
    environment: { texts: {}, secrets: new Map([["VAULT_TOKEN", new Secret(server.rootToken)]]) },
    reference: "vault:secret/team/openai#api_key",
    missingField: "vault:secret/team/openai#other",
    missingSecret: "vault:secret/team/none#api_key",
    put: (text: string) => server.put("secret/team/openai", { api_key: text, user: "u" }),
    remove: () => server.remove("secret/team/openai"),
    allow: (allowed: boolean) => void (server.allowed = allowed),
  } satisfies SourceFixture;
}

async function aws() {
  const server = await openAwsServer();
  const texts = { AWS_ACCESS_KEY_ID: accountKey.id, AWS_REGION: server.region, AWS_EC2_METADATA_DISABLED: "true" };
  return {
    server,
    settings: { aws: { endpoint: server.url } },
    environment: { texts, secrets: new Map([["AWS_SECRET_ACCESS_KEY", new Secret(accountKey.secret)]]) },
    reference: "aws:prod/openai#api_key",
    missingField: "aws:prod/openai#other",
    missingSecret: "aws:prod/none#api_key",
    put: (text: string) => void server.secrets.set("prod/openai", { text: JSON.stringify({ api_key: text }) }),
    remove: () => void server.secrets.delete("prod/openai"),
    allow: (allowed: boolean) => void (server.failure = allowed ? undefined : "AccessDeniedException"),
  } satisfies SourceFixture;
}

async function gcp() {
  const server = await openGoogleServer();
  const file = join(directory, `google-${server.url.split(":").at(-1)}.json`);
  writeFileSync(file, server.keyFile);
  const name = `projects/${googleProject}/secrets/openai`;
  const put = (text: string | undefined): void =>
    void server.secrets.set(name, [...(server.secrets.get(name) ?? []), text]);
  return {
    server,
    settings: { gcp: { endpoint: server.url, credentialsFile: file } },
    reference: "gcp:openai#api_key",
    missingField: "gcp:openai#other",
    missingSecret: `gcp:${name}-none#api_key`,
    put: (text: string) => put(JSON.stringify({ api_key: text })),
    remove: () => put(undefined),
    allow: (allowed: boolean) => void (server.allowed = allowed),
  } satisfies SourceFixture;
}

async function azure() {
  const server = await openAzureServer();
  const texts = { AZURE_TENANT_ID: azureTenant, AZURE_CLIENT_ID: azureClient, AZURE_AUTHORITY_HOST: server.url };
  const put = (text: string): void =>
    void server.secrets.set("team-vault/openai", [...(server.secrets.get("team-vault/openai") ?? []), text]);
  return {
    server,
    settings: { azure: { endpoint: server.url } },
    environment: { texts, secrets: new Map([["AZURE_CLIENT_SECRET", new Secret(server.clientSecret)]]) },
    reference: "azure:team-vault/openai#api_key",
    missingField: "azure:team-vault/openai#other",
    missingSecret: "azure:team-vault/none#api_key",
    put: (text: string) => put(JSON.stringify({ api_key: text })),
    remove: () => void server.secrets.delete("team-vault/openai"),
    allow: (allowed: boolean) => void (server.allowed = allowed),
  } satisfies SourceFixture;
}

async function op() {
  const server = await openOnePasswordServer();
  return {
    server,
    settings: { op: { address: server.url } },
    environment: { texts: {}, secrets: new Map([["OP_CONNECT_TOKEN", new Secret(server.token)]]) },
    reference: "op:Infra/Open AI/api_key",
    missingField: "op:Infra/Open AI/other",
    missingSecret: "op:Infra/None/api_key",
    put: (text: string) => void server.items.set("Open AI", [{ id: "f1", label: "api_key", value: text }]),
    remove: () => void server.items.delete("Open AI"),
    allow: (allowed: boolean) => void (server.allowed = allowed),
  } satisfies SourceFixture;
}

testSource("vault", vault);
testSource("aws", aws);
testSource("gcp", gcp);
testSource("azure", azure);
testSource("op", op);

test("vault: a version is asked for, and the path may be written as in the API", async () => {
  const fixture = await vault();
  fixture.put("sk-1");
  fixture.put("sk-2");
  const { sources } = openSources(fixture);
  for (const [reference, expected] of [
    ["vault:secret/team/openai#api_key@1", "sk-1"],
    ["vault:secret/team/openai#api_key", "sk-2"],
    ["vault:secret/data/team/openai#api_key", "sk-2"],
  ] as const) {
    assert.equal((await sources.resolve(reference)).reveal(), expected);
  }
  await fixture.server.pause();
});

test("aws: a secret may be plain text, and an ARN says the region; a binary one is refused", async () => {
  const fixture = await aws();
  const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:plain-AbCdEf";
  fixture.server.secrets.set(arn, { text: `${value}\n` });
  fixture.server.secrets.set("bytes", { binary: "AAAA" });
  const { sources } = openSources({
    ...fixture,
    environment: { ...fixture.environment, texts: { AWS_ACCESS_KEY_ID: accountKey.id } },
  });
  assert.equal((await sources.resolve(`aws:${arn}`)).reveal(), value);
  const [asked] = fixture.server.requests;
  assert.equal(asked?.headers["x-amz-target"], "secretsmanager.GetSecretValue");
  assert.equal(asked?.headers["content-type"], "application/x-amz-json-1.1");
  assert.match((await failureOf(sources.resolve("aws:bytes"), "aws:bytes")).message, /no AWS region is set/);
  const inRegion = openSources(fixture);
  assert.match((await failureOf(inRegion.sources.resolve("aws:bytes"), "aws:bytes")).message, /binary/);
  fixture.server.failure = "com.amazonaws.secretsmanager#DecryptionFailure";
  const throttled = await failureOf(inRegion.sources.resolve("aws:x"), "aws:x");
  assert.match(throttled.message, /status 400, DecryptionFailure/);
  await fixture.server.pause();
});

test("gcp: a version is asked for, and a machine needs no key file", async () => {
  const fixture = await gcp();
  fixture.put("sk-1");
  fixture.put("sk-2");
  const texts = { GCE_METADATA_HOST: new URL(fixture.server.url).host };
  const { sources } = openSources({ settings: { gcp: { endpoint: fixture.server.url } }, environment: { texts } });
  assert.equal((await sources.resolve("gcp:openai/versions/1#api_key")).reveal(), "sk-1");
  fixture.server.revokeTokens();
  assert.equal((await sources.resolve("gcp:openai#api_key")).reveal(), "sk-2");
  await fixture.server.pause();
});

test("azure: a version is asked for; a federated token and the machine's identity serve as well", async () => {
  const fixture = await azure();
  fixture.put("sk-1");
  fixture.put("sk-2");
  const tokenFile = join(directory, "federated");
  writeFileSync(tokenFile, fixture.server.federatedToken);
  const federated = { ...fixture.environment.texts, AZURE_FEDERATED_TOKEN_FILE: tokenFile };
  const settings = { azure: { endpoint: fixture.server.url, metadata: fixture.server.url } };
  for (const texts of [federated, {}]) {
    const { sources } = openSources({ settings, environment: { texts } });
    assert.match((await sources.resolve(`azure:team-vault/openai/${azureVersion(1)}`)).reveal(), /sk-1/);
    fixture.server.revokeTokens();
    assert.match((await sources.resolve("azure:team-vault/openai")).reveal(), /sk-2/);
  }
  await fixture.server.pause();
});

test("op: ids serve as well as names, a section tells fields apart, and what is ambiguous is refused", async () => {
  const fixture = await op();
  const section = { id: "s1", label: "Production" };
  fixture.server.items.set("Open AI", [
    { id: "f1", label: "api_key", value: "sk-1" },
    { id: "f2", label: "api_key", value: "sk-2", section },
  ]);
  fixture.server.items.set("Twin (1)", []).set("Twin (2)", []);
  const { sources } = openSources(fixture);
  const byId = `op:${onePasswordVault.id}/${idOf("Open AI")}`;
  assert.equal((await sources.resolve(`${byId}/f1`)).reveal(), "sk-1");
  assert.equal((await sources.resolve("op:Infra/Open AI/Production/api_key")).reveal(), "sk-2");
  for (const [reference, problem] of [
    ["op:Infra/Open AI/api_key", /several fields/],
    ["op:Infra/Twin/api_key", /several items/],
    ["op:Other/Open AI/api_key", /no such vault/],
    ['op:Infra/" or title co "/api_key', /cannot be looked up/],
  ] as const) {
    assert.match((await failureOf(sources.resolve(reference), reference)).message, problem);
  }
  await fixture.server.pause();
});

test("a kind that is not configured says what to set, and the others go on", async () => {
  const { sources } = openSources({ settings: {} });
  for (const [reference, advice] of [
    ["vault:secret/x#y", /address of the vault is not set/],
    ["op:a/b/c", /1Password Connect/],
    ["aws:x", /no AWS credentials/],
  ] as const) {
    assert.match((await failureOf(sources.resolve(reference), reference)).message, advice);
  }
});

test("what a cloud is to be asked with is checked first, and nothing of it is repeated", async () => {
  const broken = join(directory, "broken.json");
  writeFileSync(broken, '{"type": "service_account", "private_key": "canary", "client_email": "x"}');
  const google = openSources({ settings: { gcp: { credentialsFile: broken, project: "p" } } });
  assert.match((await failureOf(google.sources.resolve("gcp:x"), "gcp:x")).message, /not the key file/);
  writeFileSync(broken, "canary");
  assert.match((await failureOf(google.sources.resolve("gcp:y"), "gcp:y")).message, /not the key file/);

  const secrets = new Map([["AZURE_CLIENT_SECRET", new Secret("canary")]]);
  const azureSources = openSources({ settings: {}, environment: { texts: { AZURE_CLIENT_ID: "c" }, secrets } });
  const failed = await failureOf(azureSources.sources.resolve("azure:vault/x"), "azure:vault/x");
  assert.match(failed.message, /AZURE_TENANT_ID or AZURE_CLIENT_ID is missing/);

  const texts = { AWS_ACCESS_KEY_ID: "a", AWS_REGION: "eu-central-1", AWS_ENDPOINT_URL: "https://u:canary@[x" };
  const keys = new Map([["AWS_SECRET_ACCESS_KEY", new Secret("canary")]]);
  const awsSources = openSources({ settings: {}, environment: { texts, secrets: keys } });
  assert.match((await failureOf(awsSources.sources.resolve("aws:x"), "aws:x")).message, /is no web address/);
});
