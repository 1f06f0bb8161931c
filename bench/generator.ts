/**
 * A load generator in a process of its own, for streams and for machines without wrk: each connection asks again as soon
 * as its reply is complete. One argument: a `LoadOrder` as JSON; it prints a `Load` as JSON. A status other than 200, a
 * body that is not as long as the scenario's, and a connection that breaks are counted as errors.
 */
import { connect, type Socket } from "node:net";
import type { Load, LoadOrder } from "./load.ts";
import { ReplyReader } from "./reply-reader.ts";
import { replyBytes, scenario } from "./scenarios.ts";

const order = JSON.parse(process.argv[2] ?? "") as LoadOrder; // only load.ts starts this program
const wanted = scenario(order.scenario);
const wantedBytes = replyBytes(wanted);
const target = new URL(order.origin);
const request = encodeRequest();

const startedAt = performance.now();
const deadline = startedAt + order.seconds * 1_000;
let endedAt = startedAt;
let errors = 0;
let firstError: string | undefined;
const wholeMs: number[] = [];
const firstByteMs: number[] = [];

function encodeRequest(): Buffer {
  const headers = { host: target.host, ...wanted.headers, ...order.headers, "content-length": wanted.request.length };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${wanted.path} HTTP/1.1\r\n${lines.join("")}\r\n`), wanted.request]);
}

function fail(problem: string): void {
  errors += 1;
  firstError ??= problem;
}

/** Asks again and again until the time is over; resolves when the connection is closed. */
function keepAsking(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
    const reader = new ReplyReader();
    let sentAt = 0;
    let sawFirstByte = false;
    const ask = (): void => {
      if (performance.now() >= deadline) {
        socket.end();
        return;
      }
      reader.reset();
      sawFirstByte = false;
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on("connect", ask);
    socket.on("data", (bytes: Buffer) => {
      const now = performance.now();
      if (!sawFirstByte) firstByteMs.push(now - sentAt);
      sawFirstByte = true;
      if (!readReply(reader, bytes, socket)) return;
      wholeMs.push(now - sentAt);
      endedAt = now;
      ask();
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", resolve);
  });
}

/** True once the reply is complete and as it should be; a wrong one ends the connection. */
function readReply(reader: ReplyReader, bytes: Buffer, socket: Socket): boolean {
  try {
    if (!reader.read(bytes)) return false;
    if (reader.status === 200 && reader.bodyBytes === wantedBytes) return true;
    throw new Error(`the reply has status ${reader.status} and ${reader.bodyBytes} bytes, not 200 and ${wantedBytes}`);
  } catch (error) {
    socket.destroy(error as Error);
    return false;
  }
}

/** Holds one place of the load until the time is over. A connection the other side closed early is an error too. */
async function holdPlace(): Promise<void> {
  for (;;) {
    const errorsBefore = errors;
    await keepAsking();
    if (performance.now() >= deadline) return;
    if (errors === errorsBefore) fail("the connection was closed before the time was over");
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

function percentile(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

setTimeout(() => process.exit(1), (order.seconds + 10) * 1_000).unref(); // a reply that never ends
await Promise.all(Array.from({ length: wanted.connections }, holdPlace));
wholeMs.sort((a, b) => a - b);
firstByteMs.sort((a, b) => a - b);
const load: Load = {
  tool: "bench/generator.ts",
  exchanges: wholeMs.length,
  seconds: (endedAt - startedAt) / 1_000,
  errors,
  ...(firstError === undefined ? {} : { firstError }),
  p50Ms: percentile(wholeMs, 0.5),
  p99Ms: percentile(wholeMs, 0.99),
  firstByteP50Ms: percentile(firstByteMs, 0.5),
  firstByteP99Ms: percentile(firstByteMs, 0.99),
};
process.stdout.write(JSON.stringify(load));
