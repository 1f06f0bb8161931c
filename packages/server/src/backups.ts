import type { BackupCommands, Place, RestoreGiven } from "./cli/index.ts";
import {
  demandEmptyHome,
  demandNewName,
  readKeyLines,
  rehearsalTarget,
  restoreBackup,
  restoreTarget,
  saveBackup,
  type Opener,
  type RestoreReport,
} from "./backup/index.ts";
import type { LoadedConfig } from "./config/index.ts";
import { homePath, openHome, type HomePath } from "./home/index.ts";
import { systemClock } from "./kernel/clock.ts";
import { AppError } from "./kernel/errors.ts";
import { Secret } from "./kernel/secret.ts";
import { load } from "./settings.ts";
import { vaultOptions } from "./vault-options.ts";

/** What `vault backup` and `vault restore` do on this machine. A restore needs no gateway, and keeps one from starting. */
export function backupCommands(place: Place): BackupCommands {
  return {
    async save(file, options, make) {
      demandNewName(file, options);
      return saveBackup(await make(), file, options);
    },
    recipients: async (file) => (await readKeyLines(file)).map((line) => line.reveal()),
    restore: (given) => (given.dryRun ? rehearse(load(place), given) : restore(load(place), given)),
  };
}

async function restore(loaded: LoadedConfig, given: RestoreGiven): Promise<RestoreReport> {
  const home = openHome(loaded.home);
  try {
    demandEmptyHome(home);
    return await run(loaded, given, home);
  } finally {
    home.release();
  }
}

/** Leaves the home alone: a gateway may run on it. */
function rehearse(loaded: LoadedConfig, given: RestoreGiven): Promise<RestoreReport> {
  return run(loaded, given, homePath(loaded.home));
}

function run(loaded: LoadedConfig, given: RestoreGiven, home: HomePath): Promise<RestoreReport> {
  const options = vaultOptions(loaded, systemClock);
  return restoreBackup({
    file: given.file,
    opener: (kind) => opener(kind, given),
    target: given.dryRun ? rehearsalTarget() : restoreTarget(loaded.config.storage.url.reveal(), home),
    opening: { ...options, keyFile: options.keyFile ?? home.file("root.key") },
    dryRun: given.dryRun,
    clock: systemClock,
  });
}

async function opener(kind: "passphrase" | "identity", given: RestoreGiven): Promise<Opener> {
  if (kind === "passphrase") return { passphrase: new Secret(await given.passphrase()) };
  if (given.identityFile !== undefined) return { identities: await readKeyLines(given.identityFile) };
  const problem = "this backup was made for recipients, so it takes the identity of one of them to open it";
  throw new AppError("wrong_usage", { problem, advice: "name the file that holds it with --identity" });
}
