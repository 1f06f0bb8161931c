import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { accountKey, openAwsServer, roleKey, type AwsServer } from "../../../test/support/aws-server.ts";
import { fakeClock } from "../../kernel/clock.ts";
import { Secret } from "../../kernel/secret.ts";
import { createAwsClient } from "./client.ts";
import type { AwsOptions } from "./options.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-aws-"));
after(() => rmSync(directory, { recursive: true }));
const code = (expected: string) => ({ name: "AppError", code: expected });
let files = 0;

function file(text: string): string {
  const path = join(directory, `file-${files++}`);
  writeFileSync(path, text);
  return path;
}

interface Around {
  readonly texts?: (server: AwsServer) => Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly options?: Partial<AwsOptions>;
  /** Whether no variable says the region. */
  readonly regionless?: boolean;
}

async function open({ texts = () => ({}), secrets = {}, options = {}, regionless = false }: Around) {
  const clock = fakeClock();
  const server = await openAwsServer();
  after(() => server.pause());
  server.secrets.set("openai", { text: "sk-1" });
  const environment = {
    texts: {
      AWS_ENDPOINT_URL: server.url,
      ...(regionless ? {} : { AWS_REGION: server.region }),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url,
      AWS_CONFIG_FILE: join(directory, "none"),
      AWS_SHARED_CREDENTIALS_FILE: join(directory, "none"),
      ...texts(server),
    },
    secrets: new Map(Object.entries(secrets).map(([name, value]) => [name, new Secret(value)])),
  };
  const client = createAwsClient({ environment, userHome: directory, clock, timeoutMs: 1_000, ...options });
  const read = () => client.call("secretsmanager", "secretsmanager.GetSecretValue", { SecretId: "openai" });
  const signers = (): readonly string[] =>
    server.requests.flatMap(({ headers }) => /Credential=(\w+)\//.exec(headers.authorization ?? "")?.[1] ?? []);
  return { server, clock, read, signers };
}

const inEnvironment: Around = {
  texts: () => ({ AWS_ACCESS_KEY_ID: accountKey.id }),
  secrets: { AWS_SECRET_ACCESS_KEY: accountKey.secret },
};

test("keys of the environment come first, with a session token if there is one", async () => {
  const plain = await open(inEnvironment);
  assert.equal(((await plain.read()) as { readonly SecretString: string }).SecretString, "sk-1");
  assert.deepEqual(plain.signers(), [accountKey.id]);
  const session = await open({
    texts: () => ({ AWS_ACCESS_KEY_ID: roleKey.id }),
    secrets: { AWS_SECRET_ACCESS_KEY: roleKey.secret, AWS_SESSION_TOKEN: roleKey.token },
  });
  await session.read();
  assert.equal(session.server.requests[0]?.headers["x-amz-security-token"], roleKey.token);
});

test("a profile of the shared files is read: keys, region, and the credentials file before the other", async () => {
  const credentials = file(
    `[other]\naws_access_key_id = X\n\n[gateway]\naws_access_key_id=${accountKey.id}\naws_secret_access_key = ${accountKey.secret}\n`,
  );
  const config = file(
    "[default]\nregion = us-east-1\n[profile gateway]\nregion = eu-central-1 # near\ns3 =\n  region = x\n",
  );
  const { read, signers } = await open({
    texts: () => ({ AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config }),
    options: { profile: "gateway" },
    regionless: true,
  });
  await read();
  assert.deepEqual(signers(), [accountKey.id]);
});

test("a profile that gets its credentials in a way that is not supported says so", async () => {
  const config = file("[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n");
  const { read } = await open({ texts: () => ({ AWS_CONFIG_FILE: config }) });
  await assert.rejects(read(), { code: "external_unconfigured", message: /`role_arn`/ });
});

test("a web identity is traded for a role, anew before the role's credentials end", async () => {
  const tokenFile = file("eyJhbGciOiJSUzI1NiJ9.identity.sig\n");
  const { read, server, signers, clock } = await open({
    texts: () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/gateway" }),
  });
  server.expiration = new Date(clock.now() + 3_600_000).toISOString();
  await read();
  await read();
  assert.equal(server.requests.length, 3);
  server.expiration = new Date(clock.now() + 7_200_000).toISOString();
  clock.advance(3_301_000);
  await read();
  assert.equal(server.requests.length, 5);
  assert.deepEqual(signers(), [roleKey.id, roleKey.id, roleKey.id]);

  server.identityToken = "another";
  clock.advance(7_000_000);
  await assert.rejects(read(), { code: "external_failed", message: /InvalidIdentityToken/ });
});

test("credentials that cannot be replaced are used to their end", async () => {
  const tokenFile = file("eyJhbGciOiJSUzI1NiJ9.identity.sig");
  const { read, server, clock } = await open({
    texts: () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/gateway" }),
  });
  server.expiration = new Date(clock.now() + 3_600_000).toISOString();
  await read();
  server.identityToken = "another";
  clock.advance(3_400_000);
  await read();
  clock.advance(300_000);
  await assert.rejects(read(), code("external_failed"));
});

test("a container's role is asked for with its token, and only near by", async () => {
  const { read, signers } = await open({
    texts: ({ url }) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` }),
    secrets: { AWS_CONTAINER_AUTHORIZATION_TOKEN: "container-token" },
  });
  await read();
  assert.deepEqual(signers(), [roleKey.id]);
  for (const uri of ["http://192.168.1.1/x", "http://evil.example/x", "nonsense"]) {
    const far = await open({ texts: () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }) });
    await assert.rejects(far.read(), code("external_unconfigured"));
  }
});

test("an instance's role is asked for by version 2 of its protocol; where there is none, that is no error of its own", async () => {
  const { read, server, signers } = await open({});
  await assert.rejects(read(), { code: "external_unconfigured", message: /there are no AWS credentials/ });
  server.instance = true;
  await read();
  assert.deepEqual(signers(), [roleKey.id]);
  server.instance = false;
  const off = await open({ texts: () => ({ AWS_EC2_METADATA_DISABLED: "true" }) });
  await assert.rejects(off.read(), code("external_unconfigured"));
  assert.equal(off.server.requests.length, 0);
});

test("credentials that were replaced before their end are found anew, once", async () => {
  const credentials = file(`[default]\naws_access_key_id=GONE\naws_secret_access_key=x\n`);
  const { read, signers } = await open({ texts: () => ({ AWS_SHARED_CREDENTIALS_FILE: credentials }) });
  await assert.rejects(read(), { code: "external_refused", message: /UnrecognizedClientException/ });
  writeFileSync(
    credentials,
    `[default]\naws_access_key_id=${accountKey.id}\naws_secret_access_key=${accountKey.secret}\n`,
  );
  await read();
  assert.deepEqual(signers(), ["GONE", "GONE", "GONE", accountKey.id]);
});

test("errors are told by their type and never by what AWS says of them", async () => {
  const { read, server } = await open(inEnvironment);
  for (const [type, expected] of [
    ["AccessDeniedException", "external_refused"],
    ["com.amazonaws.secretsmanager#ResourceNotFoundException", "external_not_found"],
    ["ThrottlingException", "external_failed"],
    ["secret-canary: <b>", "external_failed"],
  ] as const) {
    server.failure = type;
    await assert.rejects(read(), (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, expected);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  }
});
