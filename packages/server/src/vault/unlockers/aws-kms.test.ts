import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openKmsServer, type KmsServer } from "../../../test/support/aws-kms.ts";
import { createAwsClient, emptyEnvironment } from "../../external/index.ts";
import { fakeClock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { awsKmsUnlocker } from "./aws-kms.ts";
import { unlockerConformance } from "./conformance.ts";
import type { Unlocker } from "./unlocker.ts";

let server: KmsServer;
let [keyId, otherId] = ["", ""];
before(async () => {
  server = await openKmsServer();
  keyId = server.createKey("alias/portcullis");
  otherId = server.createKey();
});
after(() => server.close());

function unlocker(key: string): Unlocker {
  const credentials = {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: new Secret("not a real one"),
    sessionToken: undefined,
    expiresAt: undefined,
  };
  const client = createAwsClient({
    region: "eu-central-1",
    endpoint: server.url,
    credentials: () => Promise.resolve(credentials),
    environment: emptyEnvironment,
    userHome: "/nonexistent",
    clock: fakeClock(),
  });
  return awsKmsUnlocker({ client, keyId: key });
}

const rootKey = Buffer.alloc(32, 7);

unlockerConformance({
  name: "a key of AWS KMS",
  kind: "aws-kms",
  same: () => Promise.resolve(unlocker(keyId)),
  other: () => Promise.resolve(unlocker(otherId)),
});

async function problemOf(asking: Promise<unknown>): Promise<string> {
  const error = await asking.then(
    () => assert.fail("it answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError && error.code === "vault_unlocker_unavailable", String(error));
  return error.message;
}

describe("an AWS KMS slot", () => {
  test("KMS never sees the root key, and is told which slot it works for", async () => {
    const asked = server.requests.length;
    await unlocker("alias/portcullis").wrap("slot_1", rootKey);
    for (const { body } of server.requests.slice(asked)) {
      assert.ok(!JSON.stringify(body).includes(rootKey.toString("base64")));
      assert.deepEqual(body["EncryptionContext"], { application: "portcullis", slot: "slot_1" });
      assert.equal(body["KeyId"], "alias/portcullis", "the key is named in every call");
    }
  });

  test("whose parameters were taken from another slot, or name another key, does not open", async () => {
    const [one, two] = [await unlocker(keyId).wrap("slot_1", rootKey), await unlocker(keyId).wrap("slot_2", rootKey)];
    assert.equal(await unlocker(keyId).unwrap({ ...two, params: one.params }), undefined);
    const foreign = await unlocker(otherId).wrap("slot_1", rootKey);
    const asked = server.requests.length;
    assert.equal(await unlocker(keyId).unwrap(foreign), undefined);
    assert.equal(server.requests.length, asked, "KMS is not asked about it");
    const renamed = foreign.params.replace(otherId, keyId);
    assert.equal(await unlocker(keyId).unwrap({ ...foreign, params: renamed }), undefined);
  });

  test("KMS that is away, throttles, refuses or has the key disabled is told apart from a key that does not open", async () => {
    const slot = await unlocker(keyId).wrap("slot_1", rootKey);
    for (const type of [
      "ThrottlingException",
      "AccessDeniedException",
      "DisabledException",
      "KMSInvalidStateException",
    ]) {
      server.failWith(type);
      assert.match(await problemOf(unlocker(keyId).unwrap(slot)), new RegExp(type));
    }
    server.failWith(undefined);
    await server.pause();
    const away = await problemOf(unlocker(keyId).unwrap(slot));
    await server.resume();
    assert.match(away, /of AWS KMS cannot be used: .* could not be reached/);
    assert.deepEqual(await unlocker(keyId).unwrap(slot), rootKey);
  });

  test("is not made with a key that may encrypt but not decrypt", async () => {
    server.failWith("AccessDeniedException", "Decrypt");
    assert.match(await problemOf(unlocker(keyId).wrap("slot_1", rootKey)), /AccessDeniedException/);
    server.failWith(undefined);
  });
});
