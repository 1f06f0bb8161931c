import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Recorder } from "../statistics.ts";
import { Connection, type Question } from "./connection.ts";
import type { Load } from "./order.ts";
import type { Pace } from "./pacer.ts";
import { scheduleOf, type Schedule } from "./schedule.ts";
import { Tally, firstByteTimer } from "./tally.ts";

/** More than that are never open; what is due beyond waits, and its time runs. */
const maxConnections = 1_000;
const patienceMs = 10_000;
const warmUpSeconds = 0.5;

/**
 * Asks at a constant rate. Every time counts from when the request was due, so a system that stalls cannot hide it. What
 * is asked in a first half second counts as an exchange, but its time does not: connections are opened then, and the
 * generator's own code is not yet compiled, which costs tens of milliseconds that are no system's.
 */
export async function runOpen(
  question: Question,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Load> {
  const allSeconds = warmUpSeconds + seconds;
  const everyMs = Math.max(0.5, 1_000 / perSecond);
  const pace: Pace = { everyMs, ticks: Math.ceil((allSeconds * 1_000 + patienceMs) / everyMs) };
  const pacer = new Worker(new URL("./pacer.ts", import.meta.url), { workerData: pace });
  await once(pacer, "message"); // its thread is there only now
  const timedFrom = Math.round(perSecond * warmUpSeconds);
  const loop = new OpenLoop(question, scheduleOf(performance.now(), perSecond, allSeconds), timedFrom);
  pacer.on("message", () => loop.advance());
  const load = await loop.ended;
  await pacer.terminate();
  return load;
}

class OpenLoop {
  readonly ended: Promise<Load>;
  readonly #question: Question;
  readonly #schedule: Schedule;
  readonly #tally = new Tally();
  readonly #late = new Recorder();
  readonly #statuses: Record<string, number> = {};
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];
  readonly #resolve: (load: Load) => void;
  readonly #timedFrom: number;
  #sent = 0;

  constructor(question: Question, schedule: Schedule, timedFrom: number) {
    this.#question = question;
    this.#schedule = schedule;
    this.#timedFrom = timedFrom;
    const { promise, resolve } = Promise.withResolvers<Load>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  /** Sends what is due, and ends the load when all is answered or has not been for too long. */
  advance(): void {
    const now = performance.now();
    const { total } = this.#schedule;
    while (this.#sent < total && this.#schedule.dueAt(this.#sent) <= now) {
      const connection = this.#takeConnection();
      if (connection === undefined) break;
      this.#send(connection, this.#schedule.dueAt(this.#sent));
    }
    const pending = total - this.#tally.exchanges - this.#tally.errors;
    if (pending > 0 && now < this.#schedule.dueAt(total) + patienceMs) return;
    for (let index = 0; index < pending; index += 1) this.#tally.fail("there was no reply in time");
    for (const connection of this.#all) connection.close();
    this.#resolve(this.#tally.load({ late: this.#late.percentiles(), statuses: this.#statuses }));
  }

  #takeConnection(): Connection | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#all.length === maxConnections) return idle;
    const opened = new Connection(this.#question);
    this.#all.push(opened);
    return opened;
  }

  #send(connection: Connection, dueAt: number): void {
    const isTimed = this.#sent >= this.#timedFrom;
    this.#sent += 1;
    if (isTimed) this.#late.add(performance.now() - dueAt);
    connection.ask({
      ...(isTimed ? { onProgress: firstByteTimer(this.#tally.firstByte, dueAt) } : {}),
      onWhole: (now, status) => {
        this.#tally.finish(now, isTimed ? now - dueAt : undefined);
        this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
        this.#idle.push(connection);
        this.advance();
      },
      onFailure: (problem) => {
        this.#tally.fail(problem);
        this.#idle.push(connection);
      },
    });
  }
}
