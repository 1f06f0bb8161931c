import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { AppError } from "../kernel/errors.ts";
import type { Log, LogFields } from "../kernel/log.ts";
import { Secret } from "../kernel/secret.ts";
import { createCredentialCare } from "./index.ts";
import type { HttpGet } from "./probe.ts";
import { openParts, type TestParts } from "./test-parts.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const groqOrigin = "https://api.groq.com:443";
const secret = (text: string) => new Secret(`sk-canary-${text}`);

/** Providers that accept some keys, with care taken of their credentials. */
async function openCare(
  parts: TestParts,
  options: { readonly testEveryMs?: number; readonly auditFails?: boolean } = {},
) {
  const providers = await parts.start();
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const events: { action: string; target: string }[] = [];
  const tested: string[] = [];
  const accepted = new Set<string>();
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, message, fields });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const vendor = { down: false };
  const httpGet: HttpGet = async (_url, headers) => {
    const key = String(headers["authorization"]).slice("Bearer sk-canary-".length);
    tested.push(key);
    if (vendor.down) throw new AppError("upstream_unreachable", { provider: "Groq" });
    const body = Buffer.from('{"data":[{"id":"m"}]}');
    return { status: accepted.has(key) ? 200 : 403, headers: { "content-type": "application/json" }, body };
  };
  const settings = { testEveryMs: options.testEveryMs ?? dayMs };
  const record = async (event: { action: string; target: string }): Promise<void> => {
    if (options.auditFails === true) throw new AppError("database_unavailable");
    events.push(event);
  };
  const { clock, vault } = parts;
  const care = createCredentialCare({ providers, vault, httpGet, clock, log, audit: { record }, settings });
  /** Runs as the timer would, for so long. */
  const live = async (ms: number, stepMs = minuteMs): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      clock.advance(stepMs);
      await care.run();
    }
  };
  const warnings = () => lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  return {
    care,
    credentials: providers.credentials,
    providers,
    lines,
    events,
    tested,
    accepted,
    settings,
    vendor,
    live,
    warnings,
  };
}

for (const database of databases) {
  const options = { skip: database.skip };

  test(`every key is tested once in the interval, not all at the same time (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials, tested, accepted, live, care } = await openCare(parts);
    for (let index = 0; index < 20; index++) {
      accepted.add(`key-number-${index}`);
      await credentials.add("groq", secret(`key-number-${index}`));
    }
    await live(20 * hourMs);
    assert.deepEqual(tested, [], "what was just added is not tested at once");
    const counts: number[] = [];
    for (let hour = 0; hour < 7; hour++) {
      const before = tested.length;
      await live(hourMs, 15_000);
      counts.push(tested.length - before);
    }
    assert.deepEqual([new Set(tested).size, tested.length], [20, 20]);
    assert.ok(Math.max(...counts) < 15, `spread by the hour: ${counts.join(" ")}`);
    assert.ok(credentials.list("groq").every(({ testOk, testedAt }) => testOk === true && testedAt !== null));
    await care.settled();
  });

  test(
    `tests that are overdue at a start are spread over its first hour, and begin after ten minutes (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const first = await parts.start();
      // When a key is tested depends on its id, which is drawn: that none of thirty is early happens once in a million times.
      const names = Array.from({ length: 30 }, (_, index) => `key-number-${index}`);
      for (const name of names) await first.credentials.add("groq", secret(name));
      parts.clock.advance(30 * dayMs);
      const { tested, accepted, live } = await openCare(parts);
      for (const name of names) accepted.add(name);
      await live(9 * minuteMs);
      assert.equal(tested.length, 0);
      await live(20 * minuteMs);
      assert.ok(tested.length > 0 && tested.length < names.length, `${tested.length} after half an hour`);
      await live(40 * minuteMs);
      assert.deepEqual(tested.toSorted(), names.toSorted());
    },
  );

  test(
    `one failed test changes nothing, three in a row have a key used last, and a good one ends that (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { credentials, accepted, live, warnings, tested } = await openCare(parts);
      const { id } = await credentials.add("groq", secret("bad-key-0001"));
      const spare = await credentials.add("groq", secret("good-key-0002"), { priority: 5 });
      accepted.add("good-key-0002");
      while (!tested.includes("bad-key-0001")) await live(minuteMs);
      const record = credentials.get(id);
      assert.deepEqual([record.testOk, record.status, credentials.state(record)], [false, "active", "usable"]);
      assert.match(record.testError ?? "", /refused the key/);
      assert.equal(credentials.choose("groq")?.id, id);
      await live(35 * minuteMs);
      assert.equal(credentials.state(credentials.get(id)), "failing");
      assert.equal(credentials.choose("groq")?.id, spare.id, "it is used last");
      assert.deepEqual(warnings(), ["scheduled tests of a key keep failing; it is used last from now on"]);
      const restarted = (await parts.start()).credentials;
      assert.equal(restarted.choose("groq")?.id, spare.id, "also after a restart");
      await credentials.disable(spare.id);
      assert.equal(credentials.choose("groq")?.id, id, "but it is used");

      accepted.add("bad-key-0001");
      await live(2 * hourMs);
      assert.equal(credentials.state(credentials.get(id)), "usable");
      assert.equal(warnings().length, 1);
    },
  );

  test(
    `with \`0s\` nothing is tested; disabled, expired and sealed keys are never (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { credentials, tested, live, settings } = await openCare(parts, { testEveryMs: 0 });
      const off = await credentials.add("groq", secret("disabled-0001"));
      await credentials.add("groq", secret("expired-0002"), { expiresAt: parts.clock.now() + 1 });
      await credentials.add("groq", secret("usable-0003"));
      await credentials.disable(off.id);
      await live(3 * dayMs, hourMs);
      assert.deepEqual(tested, []);
      settings.testEveryMs = hourMs;
      parts.vault.seal();
      await live(dayMs, hourMs);
      assert.deepEqual(tested, []);
      await parts.vault.start();
      await live(2 * hourMs);
      assert.deepEqual(new Set(tested), new Set(["usable-0003"]));
    },
  );

  test(
    `an expiry is told of 14, 3 and 1 days before and when it has come, once each (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { credentials, live, warnings } = await openCare(parts, { testEveryMs: 0 });
      await credentials.add("groq", secret("short-0001"), { expiresAt: parts.clock.now() + 20 * dayMs });
      const told = async (days: number) => {
        await live(days * dayMs, hourMs);
        return warnings().length;
      };
      assert.deepEqual([await told(5), await told(2), await told(9), await told(1)], [0, 1, 1, 2]);
      assert.deepEqual([await told(2), await told(1), await told(5)], [3, 4, 4]);
      assert.deepEqual(warnings(), [
        "an API key expires within 14 days; rotate it",
        "an API key expires within 3 days; rotate it",
        "an API key expires within a day; rotate it",
        "an API key has expired and is not used any more",
      ]);
    },
  );

  test(
    `a refusal (401) within the overlap brings the key before back, recorded and told (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { care, credentials, events, warnings } = await openCare(parts);
      const stop = care.start();
      const { id } = await credentials.add("groq", secret("old-key-0001"));
      const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
      const used = await credentials.open(rotated, groqOrigin);
      for (let time = 0; time < 5; time++) credentials.answered(id, used, 401);
      assert.equal(credentials.state(credentials.get(id)), "refused");
      assert.deepEqual([credentials.troubleOf(id)?.count], [5]);
      await care.settled();
      const back = credentials.get(id);
      assert.deepEqual([back.status, back.lastFour, credentials.state(back)], ["rolled_back", "0001", "rolled_back"]);
      assert.deepEqual(
        events.map(({ action, target }) => [action, target]),
        [["credentials.roll_back", id]],
      );
      assert.match(warnings().join(), /the one before is in force again/);
      credentials.answered(id, used, 401);
      assert.equal(credentials.state(credentials.get(id)), "refused", "the key now in force is not at hand to compare");
      credentials.answered(id, await credentials.open(back, groqOrigin), 200);
      credentials.answered(id, used, 401);
      assert.equal(credentials.state(credentials.get(id)), "rolled_back", "a late word on the other key says nothing");
      stop();
    },
  );

  test(`a 403 brings it back only if a test of the key is refused, too (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { care, credentials, accepted, vendor, tested } = await openCare(parts);
    const stop = care.start();
    const { id } = await credentials.add("groq", secret("old-key-0001"));
    const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
    const used = await credentials.open(rotated, groqOrigin);
    const refuse = async (): Promise<string> => {
      credentials.answered(id, used, 403);
      await care.settled();
      return credentials.get(id).lastFour;
    };
    accepted.add("new-key-0002");
    assert.equal(await refuse(), "0002", "the key is good: it was about something else");
    assert.equal(credentials.state(credentials.get(id)), "usable");
    accepted.clear();
    await refuse();
    assert.equal(tested.length, 1, "callers cannot have the key tested again and again");
    parts.clock.advance(minuteMs);
    vendor.down = true;
    assert.equal(await refuse(), "0002", "nobody knows");
    vendor.down = false;
    parts.clock.advance(minuteMs);
    assert.equal(await refuse(), "0001");
    stop();
  });

  test(
    `without an overlap, after it, or without an audit log a refusal changes no key (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { care, credentials, lines } = await openCare(parts, { auditFails: true });
      const stop = care.start();
      const { id } = await credentials.add("groq", secret("old-key-0001"));
      const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
      const used = await credentials.open(rotated, groqOrigin);
      credentials.answered(id, used, 401);
      await care.settled();
      assert.equal(credentials.get(id).lastFour, "0002");
      assert.ok(lines.some(({ level, message }) => level === "error" && /could not be put back/.test(message)));
      parts.clock.advance(hourMs);
      await care.run();
      assert.equal(credentials.overlapOf(id), undefined);
      assert.ok(lines.some(({ message }) => /its overlap is over/.test(message)));
      credentials.answered(id, used, 401);
      await care.settled();
      assert.equal(credentials.get(id).lastFour, "0002");
      stop();
    },
  );

  test(`a refused key is used last until it is accepted or tested well (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await openCare(parts);
    const first = await credentials.add("groq", secret("first-key-0001"));
    const second = await credentials.add("groq", secret("second-key-0002"));
    const key = await credentials.open(first, groqOrigin);
    const chosen = () => new Set(Array.from({ length: 4 }, () => credentials.choose("groq")?.id));
    assert.equal(chosen().size, 2);
    credentials.answered(first.id, key, 401);
    assert.deepEqual(chosen(), new Set([second.id]));
    assert.equal(credentials.find("groq", first.id)?.id, first.id, "a reply that it made is still found with it");
    credentials.answered(first.id, key, 429);
    assert.equal(chosen().size, 1);
    credentials.answered(first.id, key, 200);
    assert.equal(chosen().size, 2);
    credentials.answered(first.id, key, 401);
    await credentials.recordTest(first.id, { ok: true });
    assert.equal(chosen().size, 2);
    credentials.answered("cred_unknown", key, 401);
    credentials.answered(first.id, key, 403);
    assert.equal(chosen().size, 2, "a 403 is mostly about a model");
  });
}
