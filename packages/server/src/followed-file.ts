import { statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** Who looks this often sees a change within twice the time. */
const lookMs = 500;

/**
 * Calls back when a file was changed, replaced, removed or put back, once it has stayed as it is from one look to the
 * next: whoever writes it may not be done. Gives what ends that.
 *
 * It looks, and does not wait to be told: what the kernel tells of a file ends when another takes its name (as editors
 * do), is silent where the file lies on a network or is mounted into a container, and speaks of a link but not of what
 * lies behind it (as Kubernetes exchanges a config map).
 */
export function followFile(path: string, changed: () => void): () => void {
  let seen = identityOf(statSync(path, { bigint: true, throwIfNoEntry: false }));
  let settled = true;
  const look = async (): Promise<void> => {
    const now = identityOf(await stat(path, { bigint: true }).catch(() => undefined));
    if (now === seen && !settled) changed();
    settled = now === seen;
    seen = now;
  };
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

interface Stats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

function identityOf(stats: Stats | undefined): string {
  if (stats === undefined) return "none";
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}
