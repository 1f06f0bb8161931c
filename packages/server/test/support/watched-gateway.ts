import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../behaviour/ask.ts";
import { temporaryHome } from "./gateway.ts";
import { serve, type GatewayProcess } from "./process.ts";

const loopWatch = fileURLToPath(new URL("raw-loop-watch.ts", import.meta.url));

/** No one thing may keep the event loop busy for longer: everybody else waits meanwhile. */
export const stallLimitMs = 50;

export interface WatchedGateway extends GatewayProcess {
  /** The longest its event loop was kept busy since this was last asked, in ms of its thread's own processor time. */
  longestStallMs(): Promise<number>;
}

/** The product in a process of its own, with an eye on its event loop. */
export async function serveWatched(): Promise<WatchedGateway> {
  const home = temporaryHome();
  const file = join(home, "longest-stall");
  const environment = { NODE_OPTIONS: `--import=${loopWatch}`, LOOP_WATCH_FILE: file };
  const gateway = await serve({ home, environment });
  const longestStallMs = async (): Promise<number> => {
    rmSync(file, { force: true });
    process.kill(gateway.pid, "SIGUSR2");
    await until("the gateway's figure", () => existsSync(file) && readFileSync(file, "utf8") !== "", 5_000);
    return Number(readFileSync(file, "utf8"));
  };
  return { ...gateway, longestStallMs };
}
