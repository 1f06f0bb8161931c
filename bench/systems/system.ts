import type { Dialect, Exchange } from "../exchanges.ts";
import type { Access } from "../load/order.ts";
import type { Running } from "../processes.ts";

/** Something a client can send its requests to. To add one, write a file beside this one and name it in index.ts. */
export interface System {
  readonly name: string;
  /** What it does besides carrying the request; said in the report. */
  readonly features: string;
  /**
   * Why it cannot run on this machine and what to type; `undefined` if it can. One that needs an installation of its own
   * makes it first, if it may.
   */
  absence(mayInstall: boolean): Promise<string | undefined>;
  /** What is running, as the report names it. Asked only where it is not absent. */
  version(): Promise<string>;
  /** Starts a process of its own. What it keeps lies in the directory, so a second start there is a restart. */
  start(place: Place): Promise<StartedSystem>;
  /** What it takes on disk, without the runtime it needs; `undefined` where that means nothing. */
  installedBytes?(): Promise<number>;
}

export interface Place {
  readonly directory: string;
  /** What it has to know. One that knows only an address takes the first. */
  readonly providers: readonly ProviderPlace[];
  /** How many exchanges it will have to hold open at once. */
  readonly concurrency: number;
}

export interface ProviderPlace {
  readonly name: string;
  readonly origin: string;
  readonly dialect: Dialect;
}

export interface StartedSystem {
  /** `undefined` where nothing stands between client and provider. */
  readonly process: { readonly running: Running; readonly readyMs: number } | undefined;
  /** Tells it the providers, where that is not done before the start. */
  configure?(): Promise<void>;
  access(exchange: Exchange): Access;
  /** What it has recorded of all exchanges so far; only of systems that promise to record every one. */
  records?(): Promise<Records>;
  /** Ends what `start` started besides the process. */
  release?(): Promise<void>;
}

/** How many exchanges were recorded, whole, left by the client or failed, and what they cost. */
export interface Records {
  readonly all: number;
  readonly failed: number;
  readonly costUsd: number;
}

/** The key that the systems send to the provider. */
export const providerKey = "sk-bench-0123456789abcdef";

export function requireProvider(place: Place): ProviderPlace {
  const first = place.providers[0];
  if (first === undefined) throw new Error("this system needs a provider to be started");
  return first;
}
