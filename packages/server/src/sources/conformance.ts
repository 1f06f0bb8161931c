import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { WebFault, WebServer } from "../../test/support/web-server.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError, describe } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { createSources, type SourcesParts } from "./sources.ts";

// What every kind of source that is asked over the network keeps to. Each is run against a server in this process that
// speaks the vendor's documented wire format.

/** One kind, set up. */
export interface SourceFixture {
  readonly server: WebServer;
  readonly settings: Partial<SourcesParts["settings"]>;
  readonly environment?: Partial<SourcesParts["environment"]>;
  /** A reference to the field `api_key` of the secret. */
  readonly reference: string;
  /** A reference to a field that the secret does not have, and to a secret that is not there. */
  readonly missingField: string;
  readonly missingSecret: string;
  /** Stores the value, as one more version. */
  put(value: string): void;
  remove(): void;
  /** Whether the gateway's own account may read the secret. */
  allow(allowed: boolean): void;
}

export const value = "sk-value-canary-0123456789";

export const noPlaces = { vault: { auth: "token" }, aws: {}, gcp: {}, azure: {}, op: {} } as const;

/** Sources over a fixture, on a clock that stands still; what is logged is kept. */
export function openSources(fixture: Pick<SourceFixture, "settings" | "environment">) {
  const clock = fakeClock();
  const lines: string[] = [];
  const line = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: line, info: line, warn: line, error: line };
  const sources = createSources({
    settings: { cacheMs: 300_000, keepMs: 3_600_000, timeoutMs: 400, ...noPlaces, ...fixture.settings },
    environment: { texts: { AWS_EC2_METADATA_DISABLED: "true" }, secrets: new Map(), ...fixture.environment },
    variable: () => undefined,
    ownPaths: [],
    userHome: "/nonexistent",
    clock,
    log,
  });
  after(() => sources.close());
  return { sources, clock, lines };
}

const faults: readonly WebFault[] = ["silent", "malformed", "huge", "redirect", "reset"];

/** What was thrown, checked to tell the reference and nothing of the value. */
export async function failureOf(promise: Promise<unknown>, reference: string): Promise<AppError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, "source_failed");
  assert.ok(error.message.includes(reference), error.message);
  assert.doesNotMatch(describe(error), /canary/);
  return error;
}

async function startWith(open: () => Promise<SourceFixture>) {
  const fixture = await open();
  after(() => fixture.server.pause());
  fixture.put(value);
  return { fixture, ...openSources(fixture) };
}

export function testSource(kind: string, open: () => Promise<SourceFixture>): void {
  const start = () => startWith(open);
  testFailures(kind, start);

  test(`${kind}: the value is read once, and is at hand after that`, async () => {
    const { fixture, sources } = await start();
    assert.equal(sources.cached(fixture.reference), undefined);
    const [one, other] = await Promise.all([sources.resolve(fixture.reference), sources.resolve(fixture.reference)]);
    assert.equal(one.reveal(), value);
    assert.equal(other, one);
    const asked = fixture.server.requests.length;
    assert.equal(await sources.resolve(fixture.reference), one);
    assert.equal(sources.cached(fixture.reference), one);
    assert.equal(fixture.server.requests.length, asked);
  });

  test(`${kind}: a value that was replaced is read before the old one is too old, and nobody waits`, async () => {
    const { fixture, sources, clock } = await start();
    const first = await sources.resolve(fixture.reference);
    clock.advance(250_000);
    await sources.refresh();
    assert.equal(sources.cached(fixture.reference), first, "the same value is the same object");
    fixture.put("sk-next");
    clock.advance(250_000);
    assert.equal(sources.cached(fixture.reference), first);
    await sources.refresh();
    assert.equal(sources.cached(fixture.reference)?.reveal(), "sk-next");
  });

  test(`${kind}: a field or secret that is not there is an error that names the reference`, async () => {
    const { fixture, sources } = await start();
    for (const reference of [fixture.missingField, fixture.missingSecret]) {
      await failureOf(sources.resolve(reference), reference);
      assert.equal(sources.describe(reference)?.ok, false);
    }
  });

  test(`${kind}: a secret that was deleted is not used any more`, async () => {
    const { fixture, sources, clock } = await start();
    await sources.resolve(fixture.reference);
    fixture.remove();
    clock.advance(250_000);
    await sources.refresh();
    assert.equal(sources.cached(fixture.reference), undefined);
    await failureOf(sources.resolve(fixture.reference), fixture.reference);
  });
}

function testFailures(kind: string, start: () => ReturnType<typeof startWith>): void {
  for (const way of [...faults, "away", "forbidden"] as const) {
    test(`${kind}: while the source is ${way}, the last value is used for its time, and then a clear failure`, async () => {
      const { fixture, sources, clock, lines } = await start();
      const first = await sources.resolve(fixture.reference);
      if (way === "away") await fixture.server.pause();
      else if (way === "forbidden") fixture.allow(false);
      else fixture.server.fault = way;
      clock.advance(301_000);
      await sources.refresh();
      assert.equal(sources.cached(fixture.reference), first);
      assert.equal(await sources.resolve(fixture.reference), first);
      const [health] = sources.health();
      assert.deepEqual([health?.ok, health?.ageMs, health?.cached], [false, 301_000, 1]);
      assert.match(lines.join("\n"), /the last value goes on being used/);

      clock.advance(3_300_000);
      await failureOf(sources.resolve(fixture.reference), fixture.reference);
      assert.equal(sources.cached(fixture.reference), undefined);

      if (way === "away") await fixture.server.resume();
      fixture.allow(true);
      fixture.server.fault = undefined;
      clock.advance(6_000);
      assert.equal((await sources.resolve(fixture.reference)).reveal(), value);
      assert.match(lines.join("\n"), /answers again/);
      assert.doesNotMatch(lines.join("\n"), /canary/);
    });
  }
}
