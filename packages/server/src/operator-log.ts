import type { Config } from "./config/index.ts";
import { systemClock } from "./kernel/clock.ts";
import { createLog, type Log } from "./kernel/log.ts";

/** The operator's log goes to standard error; standard output is for what a script may read. */
interface OperatorLog extends Log {
  /** Puts another level and format in force. */
  adopt(config: Pick<Config, "log">): void;
}

export function openLog(config: Pick<Config, "log">): OperatorLog {
  const options = { ...appearance(config), clock: systemClock, write: (line: string) => process.stderr.write(line) };
  return { ...createLog(options), adopt: (next) => void Object.assign(options, appearance(next)) };
}

function appearance({ log: { level, format } }: Pick<Config, "log">) {
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  return { level, format: pretty ? ("pretty" as const) : ("json" as const) };
}
