import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createSimulator, type RecordedRequest, type Simulator } from "../../src/simulator/index.ts";
import { furnish } from "../support/process.ts";
import { rawConnection, type RawConnection } from "../support/raw-connection.ts";
import { hostileRequests, type HostileRequest } from "../support/raw-hostile.ts";
import { missing, proxyKinds, startProxy } from "../support/raw-proxies.ts";
import { bodyOf, placeNames, places, requestBytes } from "../support/raw-request.ts";
import type { RawReplies, RawReply } from "../support/raw-reply.ts";
import { serveWatched, stallLimitMs, type WatchedGateway } from "../support/watched-gateway.ts";

/*
 * More than a thousand hostile requests over raw sockets, to the gateway alone and through the proxies that stand in front
 * of gateways, with good requests among them all the time. The provider tells what came through.
 */

const providerKey = "sk-provider-canary-0123456789abcdef";
const requests = hostileRequests();

let simulator: Simulator;
let gateway: WatchedGateway;
let key: string;

before(async () => {
  simulator = createSimulator({ apiKeys: [providerKey] });
  const upstream = await simulator.listen();
  gateway = await serveWatched();
  key = await furnish(gateway.admin, upstream.url, providerKey);
});
after(async () => {
  await gateway.stop();
  await simulator.close();
});

const portOf = (url: string): number => Number(new URL(url).port);

interface Outcome {
  readonly id: string;
  readonly request: HostileRequest;
  readonly connection: RawConnection;
}

/** Whether a good request comes first on the same connection: none; one, after its answer; one, sent in the same breath. */
type Opening = "none" | "after" | "ahead";

/** Sends one on a connection of its own, which stays open for what may come behind its reply. */
async function attack(port: number, request: HostileRequest, id: string, opening: Opening): Promise<Outcome> {
  const bytes = request.bytes({ key, id });
  const first = opening === "none" ? "" : requestBytes({ key, id: `${id}-first` });
  const before = opening === "none" ? 0 : 1;
  const connection = await rawConnection(port, bytes.startsWith("HEAD ") ? { headAt: before } : {});
  if (opening === "after") {
    connection.socket.write(first, "latin1");
    await connection.until(({ replies }) => replies.length > 0, 5_000);
    connection.socket.write(bytes, "latin1");
  } else connection.socket.write(first + bytes, "latin1");
  await connection.until(({ replies }) => replies.filter(({ status }) => status >= 200).length > before);
  return { id, request, connection };
}

/** All of them, some at a time. */
async function attackAll(port: number, prefix: string, opening: Opening): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const attacker = async (): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++) {
      const request = requests[index];
      if (request !== undefined) outcomes.push(await attack(port, request, `${prefix}-${index}`, opening));
    }
  };
  await Promise.all(Array.from({ length: 24 }, attacker));
  return outcomes;
}

/** Good requests on a connection that is kept, one after the other, until `stop`; resolves with what went wrong. */
async function bystander(
  port: number,
  name: string,
  stopped: () => boolean,
): Promise<{ served: number; wrong: string[] }> {
  const wrong: string[] = [];
  let served = 0;
  while (!stopped()) {
    const connection = await rawConnection(port);
    for (let turn = 0; turn < 20 && !connection.ended; turn += 1) {
      const id = `${name}-${served}`;
      const place = placeNames[served % placeNames.length] ?? "chat";
      connection.socket.write(requestBytes({ key, id }, { place }));
      const { replies, rest } = await connection.until(({ replies }) => replies.length > turn, 5_000);
      const reply = replies[turn];
      if (reply?.status !== 200 || !saysOnly(reply, id) || rest.length > 0) {
        wrong.push(`${id}: ${reply?.status} ${reply?.body.toString()} ${rest.toString()}`);
        break;
      }
      served += 1;
    }
    connection.socket.destroy();
  }
  return { served, wrong };
}

const idShape = /\b(?:alone|after|ahead|nginx|haproxy)-[\w-]+/g;

function saysOnly({ body }: RawReply, id: string): boolean {
  const ids = body.toString().match(idShape) ?? [];
  return ids.length > 0 && ids.every((each) => each === id);
}

/** The id of a request as the provider got it, if every byte of it is as it should be. */
function sound({ method, path, body }: RecordedRequest): string | undefined {
  const id = body.toString().match(idShape)?.[0] ?? "";
  const place = placeNames.find((name) => bodyOf(name, id, "test-model") === body.toString());
  return method === "POST" && place !== undefined && path === places[place].path ? id : undefined;
}

/** A 4xx in the dialect of the address; or, where no request could be made out, in the one most clients read. */
function isOwnRefusal({ status, headers, body }: RawReply): boolean {
  if (status < 400 || status > 499) return false;
  if (body.length === 0) return true; // of a HEAD
  if (headers["content-type"] !== "application/json") return false;
  const { type, error } = JSON.parse(body.toString()) as { type?: string; error?: Record<string, unknown> };
  if (typeof error?.["message"] !== "string" || typeof error["type"] !== "string") return false;
  return type === "error" || typeof error["code"] === "string";
}

const summary = ({ request, connection }: Outcome): string => {
  const { replies, rest } = connection.replies();
  const said = replies.map(({ status, body }) => `${status} ${body.toString().slice(0, 100)}`);
  return [request.name, ...said, rest.toString().slice(0, 100)].join(" | ");
};

/** What no request may bring about, whatever stands before the gateway. */
async function assertNothingCrossed(outcomes: readonly Outcome[], arrived: readonly RecordedRequest[]): Promise<void> {
  const unsound = arrived.filter((request) => sound(request) === undefined);
  assert.deepEqual(
    unsound.map(({ path, body }) => `${path} ${body.toString()}`),
    [],
    "reached the provider",
  );
  const ids = arrived.map(sound);
  assert.equal(new Set(ids).size, ids.length, "no request reached the provider twice");
  for (const outcome of outcomes) {
    // Each request that went through has its own reply, in order, on the connection it came on.
    const went = ids.filter((id) => id === outcome.id || id?.startsWith(`${outcome.id}-`) === true);
    const served = ({ replies }: RawReplies): readonly RawReply[] => replies.filter(({ status }) => status === 200);
    const got = served(await outcome.connection.until((now) => served(now).length >= went.length));
    assert.equal(got.length, went.length, summary(outcome));
    assert.ok(
      got.every((reply, index) => saysOnly(reply, went[index] ?? "")),
      summary(outcome),
    );
  }
}

/** Everything at once; gives the attacks, and what the provider got, good requests included. */
async function run(
  port: number,
  name: string,
  opening: Opening = "none",
): Promise<{ readonly outcomes: readonly Outcome[]; readonly arrived: readonly RecordedRequest[] }> {
  simulator.clear();
  const before = simulator.stats().requests;
  const arrived = new Set<RecordedRequest>();
  const note = (): void => simulator.requests.forEach((request) => arrived.add(request));
  const noting = setInterval(note, 20); // the simulator keeps the latest thousand
  let over = false;
  const bystanders = [1, 2, 3].map((number) => bystander(port, `${name}-good${number}`, () => over));
  const outcomes = await attackAll(port, name, opening);
  over = true;
  const results = await Promise.all(bystanders);
  await simulator.idle();
  clearInterval(noting);
  note();
  assert.equal(arrived.size, simulator.stats().requests - before, "every request was noted");
  assert.deepEqual(
    results.flatMap(({ wrong }) => wrong),
    [],
    "each good request among them got its own reply",
  );
  assert.ok(
    results.every(({ served }) => served > 20),
    JSON.stringify(results),
  );
  return { outcomes, arrived: [...arrived] };
}

async function assertNoStall(): Promise<void> {
  const stallMs = await gateway.longestStallMs();
  assert.ok(stallMs < stallLimitMs, `the event loop was busy for ${stallMs} ms`);
}

test("there are more than six hundred of them, no two the same", () => {
  assert.ok(requests.length >= 600);
  const sender = { key: "pc_x", id: "x" };
  assert.equal(new Set(requests.map((request) => request.bytes(sender))).size, requests.length);
});

/** That each was refused, in its place behind so many good requests, and that nothing of it reached a provider. */
async function assertRefused(
  outcomes: readonly Outcome[],
  arrived: readonly RecordedRequest[],
  before: number,
): Promise<void> {
  const ids = new Set(arrived.map(sound));
  for (const outcome of outcomes) {
    assert.ok(!ids.has(outcome.id) && !ids.has(`${outcome.id}-inside`), summary(outcome));
    const reply = outcome.connection.replies().replies[before];
    assert.ok(reply !== undefined && isOwnRefusal(reply), summary(outcome));
    if (reply.headers["connection"] !== "close") continue;
    const { replies, rest } = await outcome.connection.until(() => false);
    assert.ok(outcome.connection.ended, summary(outcome));
    assert.deepEqual([replies.length, rest.length], [before + 1, 0], summary(outcome));
  }
}

/** What was said to each, by its name, without the ids in it. */
function verdicts(outcomes: readonly Outcome[], before: number): ReadonlyMap<string, string> {
  const said = ({ connection }: Outcome): string => {
    const { status, body, headers } = connection.replies().replies[before] ?? assert.fail();
    const text = body
      .toString()
      .replaceAll(idShape, "…")
      .replaceAll(/"request_id":"\w+"/g, "");
    return `${status} ${headers["connection"]} ${text}`;
  };
  return new Map(outcomes.map((outcome) => [outcome.request.name, said(outcome)]));
}

test("to the gateway alone: each is refused in the right shape, and none reaches a provider", async () => {
  await gateway.longestStallMs();
  const { outcomes, arrived } = await run(portOf(gateway.url), "alone");
  await assertNothingCrossed(outcomes, arrived);
  await assertRefused(outcomes, arrived, 0);
  for (const { connection } of outcomes) connection.socket.destroy();
  await assertNoStall();
});

for (const opening of ["after", "ahead"] as const) {
  const how = opening === "after" ? "that was answered" : "sent in the same breath";
  test(`behind a good request ${how}: each gets the refusal that it gets alone, and that one its reply`, async () => {
    const port = portOf(gateway.url);
    const alone = (await run(port, "alone")).outcomes;
    const { outcomes, arrived } = await run(port, opening, opening);
    await assertNothingCrossed(outcomes, arrived);
    await assertRefused(outcomes, arrived, 1);
    for (const outcome of outcomes) {
      const [first] = outcome.connection.replies().replies;
      assert.ok(first?.status === 200 && saysOnly(first, `${outcome.id}-first`), summary(outcome));
    }
    assert.deepEqual(verdicts(outcomes, 1), verdicts(alone, 0));
    for (const { connection } of [...alone, ...outcomes]) connection.socket.destroy();
  });
}

for (const kind of proxyKinds) {
  test(`behind ${kind}: what it did not put right is refused`, { skip: missing(kind) ?? false }, async () => {
    const proxy = await startProxy(kind, portOf(gateway.url));
    try {
      await gateway.longestStallMs();
      const { outcomes, arrived } = await run(proxy.port, kind);
      await assertNothingCrossed(outcomes, arrived);
      for (const outcome of outcomes.filter(({ request }) => request.layer === "body")) {
        const [reply] = outcome.connection.replies().replies;
        assert.ok(reply !== undefined && isOwnRefusal(reply), summary(outcome));
      }
      for (const { connection } of outcomes) connection.socket.destroy();
      await assertNoStall();
    } finally {
      await proxy.stop();
    }
  });
}
