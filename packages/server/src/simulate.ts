import { readFile } from "node:fs/promises";
import type { SimulateOptions } from "./cli/index.ts";
import { createSimulator, parseScenarios } from "./simulator/index.ts";
import { stopSignal } from "./stop-signal.ts";

/** Runs a simulated provider until the process is told to stop. */
export async function simulate(
  options: SimulateOptions,
  started: (facts: { readonly url: string }) => void,
): Promise<void> {
  const stopped = stopSignal();
  const scenarios = options.scenario === undefined ? [] : parseScenarios(await readFile(options.scenario, "utf8"));
  const simulator = createSimulator({ scenarios });
  started(
    await simulator.listen({
      ...(options.host !== undefined && { host: options.host }),
      ...(options.port !== undefined && { port: options.port }),
    }),
  );
  await stopped;
  await simulator.close();
}
