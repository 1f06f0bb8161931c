import { fileURLToPath } from "node:url";
import { exchangeOf } from "../exchanges.ts";
import { start, type Running } from "../processes.ts";
import type { Load, LoadOrder } from "./order.ts";
import { putLoadWithWrk, wrkProgram } from "./wrk.ts";

/** Puts a load on a system and waits for its end. Closed loops of small replies are wrk's where it is installed. */
export async function putLoad(order: LoadOrder): Promise<Load> {
  const isPlain = !exchangeOf(order.exchange).reply.isStream && order.work.kind === "closed";
  if (isPlain && wrkProgram !== undefined) return putLoadWithWrk(wrkProgram, order);
  return startLoad(order).ended;
}

/** The same for one that has to be watched meanwhile. */
export function startLoad(order: LoadOrder): { readonly running: Running; readonly ended: Promise<Load> } {
  const client = fileURLToPath(new URL("./client.ts", import.meta.url));
  const running = start({ program: process.execPath, args: [client, JSON.stringify(order)] });
  return { running, ended: loadOf(running) };
}

async function loadOf(running: Running): Promise<Load> {
  const code = await running.exited;
  const line = running.output().trimEnd().split("\n").at(-1);
  if (code !== 0 || line === undefined) throw new Error(`the load ended with ${code}: ${running.errors()}`);
  return JSON.parse(line) as Load;
}
