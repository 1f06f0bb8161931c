import type { ServeOptions, ServeStarted } from "./cli/index.ts";
import { startGateway } from "./compose.ts";
import { systemClock } from "./kernel/clock.ts";
import { createLog, type Log } from "./kernel/log.ts";
import type { LoadedConfig } from "./config/index.ts";
import { load } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

/** Runs the gateway until the process is told to stop. */
export async function serve(options: ServeOptions, started: (facts: ServeStarted) => void): Promise<void> {
  const loaded = load(options, options);
  const log = openLog(loaded);
  const stopped = stopSignal();
  const gateway = await startGateway(loaded, log, { traceRequests: options.traceRequests });
  started({
    url: gateway.url,
    adminUrl: gateway.adminUrl === gateway.url ? undefined : gateway.adminUrl,
    setupCode: gateway.setupCode,
  });
  const signal = await stopped;
  log.info({ signal }, "stopping; replies under way may finish");
  await gateway.close();
}

/** The operator's log goes to standard error; standard output is for what a script may read. */
export function openLog({ config }: Pick<LoadedConfig, "config">): Log {
  const { level, format } = config.log;
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  return createLog({
    level,
    format: pretty ? "pretty" : "json",
    clock: systemClock,
    write: (line) => process.stderr.write(line),
  });
}
