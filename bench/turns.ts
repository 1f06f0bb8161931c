/** A load on several systems that are all up, in turns. */
import { watchForeign } from "./cost.ts";
import type { ExchangeSpec } from "./exchanges.ts";
import { afterWarmUp, measureWarm, warmUpWith } from "./loop.ts";
import type { Plan } from "./plan.ts";
import type { Sample } from "./sample.ts";
import type { Reading } from "./scenarios/scenario.ts";
import { openSession, type OpenSession } from "./session.ts";
import type { System } from "./systems/system.ts";

interface Turns {
  /** What the load is called. */
  readonly load: string;
  readonly exchange: ExchangeSpec;
  readonly connections: number;
}

/**
 * Short closed loops, one system after the other, again and again: a machine that is slow for a while, because of what its
 * neighbours do, is slow for all of them, and their relation stays. Each time all had their turn is a round. A system that fails
 * is told as such and does not keep the others from being measured.
 */
export async function measureInTurns(
  systems: readonly System[],
  plan: Plan,
  { load, exchange, connections }: Turns,
): Promise<Omit<Sample, "scenario">[]> {
  const samples: Omit<Sample, "scenario">[] = [];
  const open = new Map<System, OpenSession>();
  await using cleanup = new AsyncDisposableStack();

  async function attempt(system: System, round: number, work: () => Promise<Omit<Reading, "load"> | undefined>) {
    const add = (reading: Omit<Reading, "load">, foreignShare: number): void =>
      void samples.push({ load, ...reading, system: system.name, round, foreignShare });
    try {
      const { result, foreignShare } = await watchForeign(work);
      if (result !== undefined) add(result, foreignShare);
    } catch (error) {
      const firstError = error instanceof Error ? error.message : String(error);
      console.error(`${load}: ${system.name} failed: ${firstError}`);
      open.delete(system);
      add({ figures: {}, errors: 1, firstError }, 0);
    }
  }

  for (const system of systems) {
    await attempt(system, 1, async () => {
      const opened = cleanup.use(await openSession(system, { providers: [{ exchange }] }));
      open.set(system, opened);
      const warmUp = await warmUpWith(exchange, connections, plan, opened.session);
      return warmUp.errors > 0 ? afterWarmUp(warmUp, { figures: {}, errors: 0 }) : undefined;
    });
  }
  for (let round = 1; round <= plan.turns; round += 1) {
    for (const [system, { session }] of open) {
      await attempt(system, round, () => measureWarm(session, exchange, connections, plan.turnSeconds));
    }
  }
  for (const [system, opened] of open) {
    await attempt(system, plan.turns, () => opened.check().then(() => undefined));
  }
  return samples;
}
