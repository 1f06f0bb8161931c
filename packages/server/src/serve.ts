import type { ServeOptions, ServeStarted } from "./cli/index.ts";
import { startGateway } from "./compose.ts";
import { followFile } from "./followed-file.ts";
import { onHangUp } from "./hang-up.ts";
import { openLog } from "./operator-log.ts";
import { load } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

/** Runs the gateway until the process is told to stop. */
export async function serve(options: ServeOptions, started: (facts: ServeStarted) => void): Promise<void> {
  const loaded = load(options, options);
  const log = openLog(loaded.config);
  const stopped = stopSignal();
  const starting = startGateway(loaded, log, { traceRequests: options.traceRequests, adopt: log.adopt });
  const reload = (): void => void starting.then((gateway) => gateway.reload()).catch(() => undefined); // a failed start is told below
  const unfollow = loaded.file === undefined ? undefined : followFile(loaded.file, reload);
  onHangUp(reload);
  const gateway = await starting;
  started({
    url: gateway.url,
    adminUrl: gateway.adminUrl === gateway.url ? undefined : gateway.adminUrl,
    setupCode: gateway.setupCode,
  });
  const signal = await stopped;
  unfollow?.();
  log.info({ signal }, "stopping; replies under way may finish");
  await gateway.close();
}
