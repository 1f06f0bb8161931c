/** Puts a closed-loop load on an address: with wrk where it is installed and enough, else with our own generator. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram, makeDirectory, run } from "./processes.ts";
import { replyBytes, scenario, type ScenarioId } from "./scenarios.ts";

export interface LoadOrder {
  readonly scenario: ScenarioId;
  readonly origin: string;
  /** Besides those of the scenario. */
  readonly headers: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/** What came of it. Times are of the closed loop: they say how long a reply took at this load, and nothing about tails. */
export interface Load {
  readonly tool: string;
  readonly exchanges: number;
  readonly seconds: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the request to the first byte of the reply; wrk does not measure it. */
  readonly firstByteP50Ms?: number;
  readonly firstByteP99Ms?: number;
}

const wrk = findProgram("wrk");
if (wrk === undefined) {
  console.error("wrk is missing; using our own, slower generator (apt-get install -y wrk)");
}

export async function putLoad(order: LoadOrder): Promise<Load> {
  const isStream = scenario(order.scenario).reply.events > 0;
  if (wrk !== undefined && !isStream) return putLoadWithWrk(wrk, order);
  const generator = fileURLToPath(new URL("./generator.ts", import.meta.url));
  return JSON.parse(await run({ program: process.execPath, args: [generator, JSON.stringify(order)] })) as Load;
}

async function putLoadWithWrk(program: string, order: LoadOrder): Promise<Load> {
  const wanted = scenario(order.scenario);
  const directory = makeDirectory();
  const script = join(directory, "load.lua");
  writeFileSync(join(directory, "body"), wanted.request);
  writeFileSync(script, luaScript(order, join(directory, "body")));
  const args = ["-t1", `-c${wanted.connections}`, `-d${order.seconds}s`, "-s", script, `${order.origin}${wanted.path}`];
  const output = await run({ program, args });
  const line = output.split("\n").find((candidate) => candidate.startsWith("{"));
  return { tool: "wrk", ...(JSON.parse(line ?? "") as Omit<Load, "tool">) };
}

/** wrk counts a status of 400 and above as an error by itself; the script also wants 200 and the right length. */
function luaScript(order: LoadOrder, bodyFile: string): string {
  const wanted = scenario(order.scenario);
  const headers = Object.entries({ ...wanted.headers, ...order.headers });
  return `
wrk.method = "POST"
wrk.body = io.open(${JSON.stringify(bodyFile)}, "rb"):read("*a")
${headers.map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`).join("\n")}

local threads = {}
function setup(thread) table.insert(threads, thread) end

wrong = 0
function response(status, headers, body)
  if status ~= 200 or #body ~= ${replyBytes(wanted)} then wrong = wrong + 1 end
end

function done(summary, latency, requests)
  local failed = summary.errors
  local errors = failed.connect + failed.read + failed.write + failed.timeout
  for _, thread in ipairs(threads) do errors = errors + thread:get("wrong") end
  io.write(string.format('{"exchanges":%d,"seconds":%.6f,"errors":%d,"p50Ms":%.3f,"p99Ms":%.3f}\\n',
    summary.requests, summary.duration / 1e6, errors, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;
}
