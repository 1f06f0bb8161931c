import type { ExchangeSpec } from "../exchanges.ts";
import type { Percentiles } from "../statistics.ts";

/** How to ask a system, besides what the exchange says itself. */
export interface Access {
  /** Origin, and a path if it differs from that of the exchange. */
  readonly origin: string;
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A load, in words that can be given to another process. */
export interface LoadOrder {
  readonly exchange: ExchangeSpec;
  readonly access: Access;
  readonly work: Work;
  /** Any reply will do: for a provider that is not well. Otherwise it has to be the provider's, whole. */
  readonly anyReply?: boolean;
}

export type Work =
  /** Each connection asks again as soon as its reply is complete. */
  | { readonly kind: "closed"; readonly connections: number; readonly seconds: number }
  /** Asks at a constant rate, whether replies come or not; times count from when a request should have been sent. */
  | { readonly kind: "open"; readonly perSecond: number; readonly seconds: number }
  /** Opens so many streams, says so, and keeps them open. */
  | { readonly kind: "hold"; readonly streams: number; readonly seconds: number }
  /** As closed, but every so many-th exchange is given up in the middle. */
  | { readonly kind: "abort"; readonly connections: number; readonly seconds: number; readonly every: number }
  /** Asks, and then does not read. */
  | { readonly kind: "stall"; readonly connections: number; readonly seconds: number };

/** What came of it. */
export interface Load {
  readonly tool: string;
  /** Complete ones, with the right status and body. */
  readonly exchanges: number;
  readonly seconds: number;
  /** Wrong replies, broken connections, replies that did not come: each makes the round invalid. */
  readonly errors: number;
  readonly firstError?: string;
  /** In milliseconds. Of a closed loop: what a reply took at this load, which says nothing about tails. */
  readonly whole?: Percentiles | undefined;
  readonly firstByte?: Percentiles | undefined;
  /** Between two arrivals on one stream. */
  readonly gap?: Percentiles | undefined;
  /** By how much requests were sent too late: what the generator adds to every time. */
  readonly late?: Percentiles | undefined;
  /** Events that arrived, of held streams. */
  readonly events?: number;
  readonly aborted?: number;
  readonly statuses?: Readonly<Record<string, number>>;
}

/** The line that a held load prints once all its streams are open. */
export const openLine = "all open";
