import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { send, temporaryHome } from "../support/gateway.ts";
import { furnish, serve, type GatewayProcess } from "../support/process.ts";
import { startProvider, type ProviderProcess } from "../support/raw-provider.ts";
import { rawConnection, type RawConnection } from "../support/raw-connection.ts";
import { bodyOf, places, requestBytes } from "../support/raw-request.ts";

/*
 * Hundreds of connections that send their head byte by byte, or their body, or leave their reply unread: what good callers
 * notice of it, with the settings a gateway comes with, but for as many connections to the provider as the unread replies
 * take. Measured in turns, without and with the attack, so that what else goes on on the machine meets both. That can only
 * add to a figure: a gateway that is hurt is hurt at every attempt.
 */

const hundreds = 300;
const windowMs = 1_200;
const attempts = 3;
/**
 * On a quiet machine the 99th percentile is some 4 ms; there it takes one turn of the scheduler, for a process of
 * somebody else's, to double it. Below this, twice of it tells nothing about the gateway.
 */
const floorMs = 10;

/** On the way to the caller, the buffers of the system take some 4 MB. The rest must be left unread, not held. */
const replyBytes = 8_000_000;
/** What the gateway's process may have in memory: half of what it would have if it held what is not read. */
const mostResidentBytes = 640 * 1024 * 1024;

let provider: ProviderProcess;
let gateway: GatewayProcess;
let key: string;

before(async () => {
  const providerKey = "sk-provider-canary-0123456789abcdef";
  provider = await startProvider(replyBytes);
  const home = temporaryHome();
  const config = join(home, "portcullis.yaml");
  writeFileSync(config, `upstream: { max_connections: ${2 * hundreds} }\n`);
  gateway = await serve({ home, args: ["--config", config] });
  key = await furnish(gateway.admin, provider.url, providerKey);
});
after(async () => {
  await gateway.stop();
  provider.stop();
});

const port = (): number => Number(new URL(gateway.url).port);

interface Attack {
  readonly name: string;
  readonly connections: number;
  /** What is sent at once. */
  opening(): string;
  /** Whether a byte follows now and then; else nothing is read. */
  readonly drips: boolean;
}

const attacks: readonly Attack[] = [
  {
    name: "heads that come byte by byte",
    connections: hundreds,
    opening: () => "POST /v1/chat/completions HTTP/1.1\r\nX: ",
    drips: true,
  },
  {
    name: "bodies that come byte by byte",
    connections: hundreds,
    opening: () => requestBytes({ key, id: "slow" }, { framing: ["Content-Length: 10000"], body: "{" }),
    drips: true,
  },
  {
    name: "replies that are left unread",
    connections: hundreds,
    opening: () => requestBytes({ key, id: "slow" }, { body: bodyOf("chat", "slow").replace("{", '{"stream":true,') }),
    drips: false,
  },
];

/** Keeps as many connections in the attack as there are to be, until it is stopped. */
async function begin(attack: Attack): Promise<{ open(): number; stop(): void }> {
  const connections = new Set<RawConnection>();
  let stopped = false;
  const join = async (): Promise<void> => {
    const connection = await rawConnection(port());
    if (!attack.drips) connection.socket.pause();
    connection.socket.write(attack.opening());
    connections.add(connection);
    const leave = (): void => {
      connection.socket.destroy();
      if (connections.delete(connection) && !stopped) void join();
    };
    connection.socket.once("end", leave);
    connection.socket.once("close", leave);
  };
  await Promise.all(Array.from({ length: attack.connections }, join));
  const drip = setInterval(() => {
    if (attack.drips) for (const { socket } of connections) socket.write("x");
  }, 200);
  return {
    open: () => connections.size,
    stop() {
      stopped = true;
      clearInterval(drip);
      for (const { socket } of connections) socket.destroy();
    },
  };
}

/** How long good requests took, in milliseconds, from four callers for a while. */
async function measure(): Promise<readonly number[]> {
  const took: number[] = [];
  const end = performance.now() + windowMs;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const started = performance.now();
      const { status } = await send(gateway.url + places.chat.path, "POST", key, {}, bodyOf("chat", "good"));
      took.push(performance.now() - started);
      assert.equal(status, 200);
      await wait(10);
    }
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
  return took;
}

function percentile99(took: readonly number[]): number {
  return took.toSorted((one, other) => one - other)[Math.floor(took.length * 0.99)] ?? Number.NaN;
}

/** Resolves once all that can be held on the way is held: the provider sends nothing more, and the gateway is at rest. */
async function settled(): Promise<void> {
  for (;;) {
    const before = { ...(await provider.stats()), busyMs: busyMs() };
    await wait(300);
    if ((await provider.stats()).bytesSent === before.bytesSent && busyMs() - before.busyMs < 30) return;
  }
}

/** The processor time of the gateway's main thread; 0 where the system does not tell. */
function busyMs(): number {
  if (process.platform !== "linux") return 0;
  const [nanoseconds] = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/schedstat`, "utf8").split(" ");
  return Number(nanoseconds) / 1e6;
}

/** Resolves once the provider has nothing to do. */
async function idle(): Promise<void> {
  while ((await provider.stats()).active > 0) await wait(20);
}

/** What the gateway's process has in memory; 0 where the system does not tell. */
function residentBytes(): number {
  if (process.platform !== "linux") return 0;
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

/** The 99th percentiles without and with an attack, and what the gateway had in memory under it, in bytes. */
async function compare(
  attack: Attack,
): Promise<{ readonly usual: number; readonly under: number; readonly resident: number }> {
  const usual = percentile99(await measure());
  const running = await begin(attack);
  try {
    await settled();
    const under = percentile99(await measure());
    assert.ok(running.open() > attack.connections * 0.9, `${running.open()} connections are left`);
    return { usual, under, resident: residentBytes() };
  } finally {
    running.stop();
    await idle();
  }
}

for (const attack of attacks) {
  test(`${attack.name}: good callers wait less than twice as long`, async (context) => {
    await measure(); // the first requests of a process are slow by themselves
    const figures: string[] = [];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const { usual, under, resident } = await compare(attack);
      figures.push(
        `p99 ${usual.toFixed(1)} ms, under attack ${under.toFixed(1)} ms, ${Math.round(resident / 2 ** 20)} MiB`,
      );
      context.diagnostic(figures.at(-1) ?? "");
      assert.ok(resident < mostResidentBytes, `${resident} bytes are in memory`);
      if (under < 2 * Math.max(usual, floorMs)) return;
    }
    assert.fail(figures.join("; "));
  });
}
