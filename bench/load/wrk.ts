import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchangeOf, marker } from "../exchanges.ts";
import { findProgram, makeDirectory, run } from "../processes.ts";
import type { Load, LoadOrder } from "./order.ts";

/** A closed loop in C: takes less of its core than our own, so the ceiling is higher. */
export const wrkProgram = findProgram("wrk");

interface WrkResult {
  readonly exchanges: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export async function putLoadWithWrk(program: string, order: LoadOrder): Promise<Load> {
  const { access, work } = order;
  if (work.kind !== "closed") throw new Error("wrk only knows closed loops");
  const exchange = exchangeOf(order.exchange);
  const directory = makeDirectory();
  const script = join(directory, "load.lua");
  writeFileSync(join(directory, "body"), exchange.request);
  writeFileSync(script, luaScript(order, join(directory, "body")));
  const url = `${access.origin}${access.path ?? exchange.path}`;
  const output = await run({
    program,
    args: ["-t1", `-c${work.connections}`, `-d${work.seconds}s`, "--timeout", "10s", "-s", script, url],
  });
  const line = output.split("\n").find((candidate) => candidate.startsWith("{"));
  const { exchanges, seconds, errors, ...whole } = JSON.parse(line ?? "") as WrkResult;
  return { tool: "wrk", exchanges, seconds, errors, whole };
}

/** wrk counts a status of 400 and above as an error by itself; the script also wants 200 and the provider's text. */
function luaScript({ exchange, access }: LoadOrder, bodyFile: string): string {
  const headers = Object.entries({ ...exchangeOf(exchange).headers, ...access.headers });
  return `
wrk.method = "POST"
wrk.body = io.open(${JSON.stringify(bodyFile)}, "rb"):read("*a")
${headers.map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`).join("\n")}

local threads = {}
function setup(thread) table.insert(threads, thread) end

wrong = 0
function response(status, headers, body)
  if status ~= 200 or not string.find(body, ${JSON.stringify(marker)}, 1, true) then wrong = wrong + 1 end
end

function done(summary, latency, requests)
  local failed = summary.errors
  local errors = failed.connect + failed.read + failed.write + failed.timeout
  for _, thread in ipairs(threads) do errors = errors + thread:get("wrong") end
  local ms = function(share) return latency:percentile(share) / 1e3 end
  io.write(string.format(
    '{"exchanges":%d,"seconds":%.6f,"errors":%d,"p50":%.3f,"p99":%.3f,"p999":%.3f,"max":%.3f}\\n',
    summary.requests, summary.duration / 1e6, errors, ms(50), ms(99), ms(99.9), latency.max / 1e3))
end
`;
}
