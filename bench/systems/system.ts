import type { Running } from "../processes.ts";
import type { Scenario } from "../scenarios.ts";

/** Something a client can send its requests to. To add one, write a file beside this one and name it in index.ts. */
export interface System {
  readonly name: string;
  /** What it does besides carrying the request; said below the table. */
  readonly features: string;
  /** Why it cannot run on this machine and what to type; `undefined` if it can. */
  readonly missing: string | undefined;
  /** Starts a process of its own. What it keeps lies in the directory, so a second start there is a restart. */
  start(place: Place): Promise<StartedSystem>;
}

export interface Place {
  readonly directory: string;
  /** Where the provider answers. */
  readonly upstream: string;
}

export interface StartedSystem {
  readonly origin: string;
  /** `undefined` where nothing stands between client and provider. */
  readonly process: { readonly running: Running; readonly readyMs: number } | undefined;
  /** Gets it ready for the scenario; returns the headers that a client has to send. */
  configure(scenario: Scenario): Promise<Readonly<Record<string, string>>>;
  /** Throws unless it did, for at least so many exchanges, what it is said to do. */
  verify(exchanges: number): Promise<void>;
}
