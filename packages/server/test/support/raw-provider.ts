/** A provider in a process of its own, so that what it does takes no time from whoever measures. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ProviderStats {
  /** Requests under way. */
  readonly active: number;
  readonly bytesSent: number;
}

export interface ProviderProcess {
  readonly url: string;
  stats(): Promise<ProviderStats>;
  stop(): void;
}

/** Its streamed replies have `streamBytes`. */
export async function startProvider(streamBytes: number): Promise<ProviderProcess> {
  const child = fork(fileURLToPath(new URL("raw-provider-main.ts", import.meta.url)), [String(streamBytes)]);
  const [{ url }] = (await once(child, "message")) as [{ url: string }];
  return {
    url,
    async stats() {
      const answer = once(child, "message");
      child.send("stats");
      const [stats] = (await answer) as [ProviderStats];
      return stats;
    },
    stop: () => child.disconnect(),
  };
}
