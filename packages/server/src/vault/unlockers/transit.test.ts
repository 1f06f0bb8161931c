import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTransitServer, type TransitServer } from "../../../test/support/hashicorp-transit.ts";
import { createHashicorpClient } from "../../external/index.ts";
import { fakeClock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { unlockerConformance } from "./conformance.ts";
import { transitUnlocker } from "./transit.ts";
import type { Unlocker } from "./unlocker.ts";

let server: TransitServer;
before(async () => {
  server = await openTransitServer();
  for (const name of ["portcullis", "other"]) server.createKey(name);
  server.createKey("derived", { derived: true });
});
after(() => server.close());

function unlocker(key: string, token = server.token): Unlocker {
  const auth = { method: "token", token: new Secret(token) } as const;
  const client = createHashicorpClient({ address: server.url, auth, clock: fakeClock() });
  return transitUnlocker({ client, mount: "transit", key });
}

const rootKey = Buffer.alloc(32, 7);

for (const [name, key] of [
  ["a Transit key", "portcullis"],
  ["a derived Transit key", "derived"],
] as const) {
  unlockerConformance({
    name,
    kind: "transit",
    same: () => Promise.resolve(unlocker(key)),
    other: () => Promise.resolve(unlocker("other")),
  });
}

async function problemOf(asking: Promise<unknown>): Promise<string> {
  const error = await asking.then(
    () => assert.fail("it answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError && error.code === "vault_unlocker_unavailable", String(error));
  return error.message;
}

describe("a Transit slot", () => {
  test("the server never sees the root key, only a key made for the slot", async () => {
    const asked = server.requests.length;
    const first = await unlocker("portcullis").wrap("slot_1", rootKey);
    const second = await unlocker("portcullis").wrap("slot_1", rootKey);
    const sent = server.requests.slice(asked).map(({ body }) => JSON.stringify(body));
    assert.ok(sent.length >= 6);
    for (const text of sent) assert.ok(!text.includes(rootKey.toString("base64")), text);
    const keys = sent.flatMap((text) => /"plaintext":"([^"]+)"/.exec(text)?.[1] ?? []);
    assert.equal(new Set(keys).size, 2, "each slot has a key of its own");
    assert.notEqual(first.params, second.params);
    assert.match(first.params, /^\{"key":"transit\/portcullis","ciphertext":"vault:v1:[\w+/=]+"\}$/);
  });

  test("opens after the key was rotated on the server", async () => {
    const slot = await unlocker("portcullis").wrap("slot_1", rootKey);
    server.rotateKey("portcullis");
    assert.deepEqual(await unlocker("portcullis").unwrap(slot), rootKey);
    assert.match((await unlocker("portcullis").wrap("slot_2", rootKey)).params, /vault:v2:/);
  });

  test("whose ciphertext was put into another slot does not open there", async () => {
    const [one, two] = [
      await unlocker("portcullis").wrap("slot_1", rootKey),
      await unlocker("portcullis").wrap("slot_2", rootKey),
    ];
    assert.equal(await unlocker("portcullis").unwrap({ ...two, params: one.params }), undefined);
    assert.equal(await unlocker("portcullis").unwrap({ ...one, id: two.id }), undefined);
  });

  test("parameters that name another key are not followed: the server is not even asked", async () => {
    const slot = await unlocker("other").wrap("slot_1", rootKey);
    const asked = server.requests.length;
    for (const params of [slot.params, slot.params.replace("transit/other", "../../sys/seal"), "{}", "null", ""]) {
      assert.equal(await unlocker("portcullis").unwrap({ ...slot, params }), undefined);
    }
    assert.equal(server.requests.length, asked);
  });

  test("is not made on a server that does not bind to associated data", async () => {
    server.ignoreAssociatedData(true);
    const problem = await problemOf(unlocker("portcullis").wrap("slot_1", rootKey));
    server.ignoreAssociatedData(false);
    assert.match(problem, /does not bind what it encrypts/);
  });

  test("a server that is away, sealed, or refuses the token is told apart from a key that does not open", async () => {
    const slot = await unlocker("portcullis").wrap("slot_1", rootKey);
    assert.match(await problemOf(unlocker("portcullis", "hvs.wrong").unwrap(slot)), /refused .*status 403/);
    server.failWith(503);
    assert.match(await problemOf(unlocker("portcullis").unwrap(slot)), /status 503/);
    server.failWith(undefined);
    await server.pause();
    const away = await problemOf(unlocker("portcullis").unwrap(slot));
    await server.resume();
    assert.match(away, /^the key transit\/portcullis of Transit cannot be used: 127\.0\.0\.1:\d+ could not be reached/);
    assert.deepEqual(await unlocker("portcullis").unwrap(slot), rootKey);
  });
});
