import type { Dialect, DialectRoute, Loss } from "../dialects/index.ts";
import type { MediaUsage } from "../kernel/tokens.ts";
import type { Caller } from "../identity/index.ts";
import type { HttpReply, HttpRequest, Spool } from "../ingress/index.ts";
import type { Target } from "../routing/index.ts";
import type { OpenRequest } from "../usage/index.ts";
import type { UsedCredential } from "./stages/credential.ts";
import type { Asked } from "./stages/decode.ts";

/**
 * One request on its way through the pipeline. The first group is there from the start; each stage adds what it found out,
 * and whoever settles the exchange, at whatever point it ended, reads what there is.
 */
export interface Exchange {
  /** ULID; the caller sees it as `x-request-id`. */
  readonly id: string;
  readonly startedAt: number;
  readonly startedMonotonic: number;
  readonly dialect: Dialect;
  readonly route: DialectRoute;
  /** What the route has in its path: a model's name, the id of a kept reply; else empty. */
  readonly nameInPath: string;
  /** The query as it came, with its `?`, or empty. */
  readonly query: string;
  readonly request: HttpRequest;
  readonly response: HttpReply;
  readonly caller: Caller;

  requestBytes: number;
  /** A floor for the tokens of the request, to be charged where nobody counted them. */
  estimatedInput: number;
  /** The same of a request whose tokens are only to be counted, which is charged nothing. */
  estimatedCount?: number;
  /** The same of what is not counted in tokens. */
  requestedMedia?: MediaUsage;
  asked?: Pick<Asked, "model" | "stream">;
  /** Where the body lies that is not held in memory; given back when the exchange is over. */
  spool?: Spool;
  target?: Target;
  /** What translation left out or changed; absent where nothing was translated. */
  losses?: readonly Loss[];
  /** The longest prompt and answer that the model takes, where it is known. */
  contextTokens?: number | undefined;
  credential?: UsedCredential;
  /** Set once the journal holds the start of this exchange: from then on it must hold its end too. */
  journalled?: OpenRequest;
  /** How often a provider was asked. */
  attempts: number;
}
