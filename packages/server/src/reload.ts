import type { AuditLog } from "./audit/index.ts";
import { changedSettings, type ChangedSetting, type Config, type LoadedConfig } from "./config/index.ts";
import { declaredIn, routesIn, startKeys } from "./declared.ts";
import type { Clock } from "./kernel/clock.ts";
import { AppError, describe } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { Providers } from "./providers/index.ts";
import type { Routes } from "./routing/index.ts";

/** Which configuration is in force. */
interface ConfigState {
  /** Absolute; `undefined` if there is none. */
  readonly file: string | undefined;
  /** When it was read, in milliseconds. */
  readonly loadedAt: number;
  /** Why what the file says now is not in force; `undefined` if it is. */
  readonly problem: string | undefined;
}

interface ReloadParts {
  readonly loaded: LoadedConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly providers: Providers;
  readonly routes: Routes;
  /** Put what else there is of a configuration in force; they cannot fail. */
  readonly adopters: readonly ((config: Config) => void)[];
}

interface Reload {
  state(): ConfigState;
  /**
   * Reads the configuration again and puts it in force, or keeps the present one and tells the log and `state` why.
   * Resolves to whether the new one is in force. Of calls that overlap, each reads the file when its turn comes.
   */
  run(): Promise<boolean>;
}

/** All or nothing: whatever may fail comes before the first change, and the changes come between two events. */
export function createReload({ loaded, log, clock, audit, providers, routes, adopters }: ReloadParts): Reload {
  let current = loaded;
  let state: ConfigState = { file: loaded.file, loadedAt: clock.now(), problem: undefined };
  let last: Promise<unknown> = Promise.resolve();

  async function change(): Promise<readonly ChangedSetting[]> {
    const next = current.reload();
    const changed = changedSettings(current, next);
    refuseRestart(changed);
    const keys = await startKeys(next.config.providers, next.environment.secrets);
    const redeclare = [providers.redeclare(declaredIn(next), keys), routes.redeclare(routesIn(next))];
    const detail = { changed: changed.map(({ key }) => key) };
    await audit.record({ actor: "config", action: "config.reload", target: next.file ?? "", detail });
    for (const step of redeclare) step();
    for (const adopt of adopters) adopt(next.config);
    current = next;
    return changed;
  }

  async function attempt(): Promise<boolean> {
    try {
      const changed = await change();
      state = { file: current.file, loadedAt: clock.now(), problem: undefined };
      log.info({ file: state.file, changed: changed.map(({ key }) => key) }, "the configuration was reloaded");
      return true;
    } catch (error) {
      state = { ...state, problem: describe(error) };
      log.error(
        { file: state.file, problem: state.problem },
        "the configuration was not reloaded; nothing has changed",
      );
      return false;
    }
  }

  return {
    state: () => state,
    run() {
      const turn = last.then(attempt);
      last = turn;
      return turn;
    },
  };
}

function refuseRestart(changed: readonly ChangedSetting[]): void {
  const problems = changed.filter(({ restart }) => restart).map(({ key, origin }) => `${origin}: "${key}"`);
  if (problems.length === 0) return;
  const problem = `${problems.join(", ")} ${problems.length === 1 ? "is" : "are"} read at the start only`;
  throw new AppError("config_needs_restart", { problem });
}
