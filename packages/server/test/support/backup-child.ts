/**
 * A process that writes a backup's file, or restores one, and dies by SIGKILL at a step of its writing.
 *
 *     node backup-child.ts '{"action":"save","source":"…","file":"…","replace":true,"killAt":3,"done":"half"}'
 *
 * Without a step of that number it prints the number of its steps.
 */
import { createReadStream } from "node:fs";
import { restoreBackup, restoreTarget, saveBackup } from "../../src/backup/index.ts";
import { openHome } from "../../src/home/index.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { interruptAt, watched, type Interruption } from "./write-steps.ts";

export type BackupChildOptions = (Save | Restore) & {
  readonly killAt: number;
  readonly done: Interruption["done"];
};

interface Save {
  readonly action: "save";
  /** A backup, whose bytes are written once more. */
  readonly source: string;
  readonly file: string;
  readonly replace: boolean;
}

interface Restore {
  readonly action: "restore";
  readonly file: string;
  readonly identity: string;
  readonly url: string;
  readonly home: string;
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? "{}") as BackupChildOptions);

async function main(options: BackupChildOptions): Promise<void> {
  const { watch, steps } = interruptAt(options.killAt, () => ({ done: options.done, end: die }));
  if (options.action === "save") {
    const { source, file, replace } = options;
    const content = createReadStream(source, { highWaterMark: 16_384 });
    await watched(watch, () => saveBackup(content, file, { replace }));
  } else await restore(options, watch);
  process.stdout.write(`${steps.length}\n`);
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;);
}

async function restore({ file, identity, url, home: path }: Restore, watch: Parameters<typeof watched>[0]) {
  const home = openHome(path);
  await watched(watch, () =>
    restoreBackup({
      file,
      target: restoreTarget(url, home),
      opener: () => Promise.resolve({ identities: [new Secret(identity)] }),
      opening: { unlocker: "key-file", keyFile: home.file("root.key") },
      dryRun: false,
      clock: systemClock,
    }),
  );
}
