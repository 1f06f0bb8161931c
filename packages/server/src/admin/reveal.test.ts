import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../kernel/secret.ts";
import { isLocal, mayReveal, revealValue } from "./reveal.ts";

const revealed = { action: "secrets.revealed", target: "openai_api_key" } as const;
const open = async () => new Secret("canary");
const neverOpened = () => assert.fail("the value was opened");
const admin = { actor: "admin.token", local: true } as const;

function parts(allowed: boolean, fails = false) {
  const events: unknown[] = [];
  const record = async (event: unknown) => {
    if (fails) throw new Error("the disk is full");
    events.push(event);
  };
  return { events, reveal: { allowed }, audit: { record, list: async () => [] } };
}

test("a value is shown to an admin on this machine where the configuration says so, and the audit log has it first", async () => {
  for (const actor of ["admin.token", "key:k7f3q"]) {
    const given = parts(true);
    assert.equal(await revealValue(given, { actor, local: true }, revealed, open), "canary");
    assert.deepEqual(given.events, [{ actor, ...revealed, detail: {} }]);
    assert.equal(mayReveal(given, { actor, local: true }), true);
  }
});

test("each of the conditions alone keeps a value in", async () => {
  const cases = [
    [parts(false), admin, "reveal_disabled"],
    [parts(true), { ...admin, local: false }, "reveal_not_local"],
    [parts(true), { ...admin, actor: "setup-code" }, "reveal_not_permitted"],
    [parts(true), { ...admin, actor: "anyone" }, "reveal_not_permitted"],
  ] as const;
  for (const [given, call, code] of cases) {
    await assert.rejects(revealValue(given, call, revealed, neverOpened), { code, status: 403 });
    assert.deepEqual(given.events, [], "what was not shown is not recorded as shown");
    assert.equal(mayReveal(given, call), false);
  }
});

test("a value whose showing cannot be recorded is not shown", async () => {
  await assert.rejects(revealValue(parts(true, true), admin, revealed, open), /the disk is full/);
});

test("what could not be opened is not recorded as shown", async () => {
  const given = parts(true);
  const sealed = () => Promise.reject(new Error("the vault is sealed"));
  await assert.rejects(revealValue(given, admin, revealed, sealed), /the vault is sealed/);
  assert.deepEqual(given.events, []);
});

test("the configuration is asked each time", async () => {
  const given = { ...parts(true), reveal: { allowed: true } };
  await revealValue(given, admin, revealed, open);
  given.reveal.allowed = false;
  await assert.rejects(revealValue(given, admin, revealed, open), { code: "reveal_disabled" });
});

const from = (remoteAddress: string | undefined, headers = {}) => isLocal({ socket: { remoteAddress }, headers });

test("local is what the socket says, and no header can make a caller local", () => {
  for (const address of ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
    assert.equal(from(address), true, address);
  for (const address of [
    "10.0.0.1",
    "192.168.1.1",
    "1127.0.0.1",
    "127.0.0.1.evil",
    "::2",
    "::ffff:10.0.0.1",
    "",
    undefined,
  ]) {
    assert.equal(from(address), false, String(address));
    assert.equal(from(address, { forwarded: "for=127.0.0.1", "x-forwarded-for": "127.0.0.1" }), false, String(address));
  }
});

test("what a proxy on this machine passes on is not local", () => {
  for (const name of ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]) {
    assert.equal(from("127.0.0.1", { [name]: "127.0.0.1" }), false, name);
  }
});
