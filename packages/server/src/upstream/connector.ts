import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { systemClock, type Clock } from "../kernel/clock.ts";
import { TurnWrites } from "../kernel/turn-writes.ts";
import { AppError } from "../kernel/errors.ts";
import { isAllowedAddress, isAllowedOrigin } from "./addresses.ts";
import { Call, type CallLimits } from "./call.ts";
import { Connections } from "./connections.ts";
import { ForbiddenAddress } from "./failure.ts";
import { connectTo, HttpConnection, type ReplyHeaders } from "./http1/index.ts";
import { StallWatch } from "./stall-watch.ts";

export interface ConnectorOptions {
  readonly connectTimeoutMs: number;
  /** How long the head of a reply may take: reasoning models think for minutes before the first byte. */
  readonly firstByteTimeoutMs: number;
  /** How long a reply that has begun may stay silent. */
  readonly idleTimeoutMs: number;
  /** Connections to one origin at most; as many requests may wait for one. */
  readonly maxConnections: number;
  /** How long a request waits for a connection before it is refused as `upstream_busy`. */
  readonly queueTimeoutMs: number;
  /** Replaces the system's name resolution, in tests. */
  readonly lookup?: LookupFunction;
}

export interface UpstreamRequest {
  /** For messages: who is called. */
  readonly provider: string;
  /** `https://api.example.com` */
  readonly origin: string;
  readonly path: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Names and values in turn. `host` and framing headers are not among them: the connector sets these itself. */
  readonly headers: readonly string[];
  readonly body: Buffer | UpstreamBody | null;
  readonly allowPrivate: boolean;
}

/** A request body that is asked for when it is sent. Its length is sent ahead, so it must be what is given then. */
export interface UpstreamBody {
  readonly sizeBytes: number;
  /**
   * Called once. A stream is destroyed when the call is over, however it ended; bytes are empty once they are sent, as their
   * memory is given back.
   */
  open(): Readable | Buffer;
}

/**
 * What happens to a reply, which comes decoded if it was compressed. After `onEnd` or `onFailure`, nothing more is called.
 * A request that cannot be sent at all may fail before `send` has returned.
 */
export interface UpstreamListener {
  onHead(status: number, headers: ReplyHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onFailure(error: AppError): void;
}

/** One call under way. `abort` closes the upstream's connection at once; the listener is not called again. */
export interface UpstreamCall {
  pause(): void;
  resume(): void;
  abort(): void;
}

export interface Connector {
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall;
  /** Puts other limits in force for calls to come, over new connections; those under way keep what they have. */
  adopt(options: ConnectorOptions): void;
  close(): void;
}

/**
 * The only way out of this process to a provider. HTTP/1.1; no proxy from the environment; redirects are answers like any other,
 * never followed. A name is resolved when a connection is made, the addresses that are not allowed are
 * dropped, and the connection goes to one that passed: there is no second resolution to rebind.
 */
export function createConnector(given: ConnectorOptions, clock: Pick<Clock, "monotonic"> = systemClock): Connector {
  const origins = new Map<string, Connections>();
  const writes = new TurnWrites();
  let options = given;
  let limits = limitsOf(given, clock);
  let retired: readonly Connections[] = [];

  function connectionsTo(origin: string, allowPrivate: boolean, provider: string): Connections {
    const name = allowPrivate ? `private ${origin}` : origin;
    const known = origins.get(name);
    if (known !== undefined) return known;
    if (!isAllowedOrigin(origin, allowPrivate)) throw new AppError("upstream_forbidden", { provider });
    const { maxConnections, queueTimeoutMs, connectTimeoutMs, lookup = systemLookup } = options;
    const connect = connectTo({ origin, timeoutMs: connectTimeoutMs, lookup: checkedLookup(lookup, allowPrivate) });
    const { host } = new URL(origin);
    const connections = new Connections({
      maxConnections,
      queueTimeoutMs,
      clock,
      open: (lost) => new HttpConnection(connect, host, lost, writes),
    });
    origins.set(name, connections);
    return connections;
  }

  return {
    send(request, listener) {
      const connections = connectionsTo(request.origin, request.allowPrivate, request.provider);
      const call = new Call(request, listener, connections, limits);
      connections.request(call);
      return call;
    },
    adopt(next) {
      options = { ...options, ...next };
      limits = limitsOf(options, clock);
      retired = [...retired, ...origins.values()].filter((connections) => !connections.empty);
      origins.clear();
      for (const connections of retired) connections.retire();
    },
    close() {
      for (const connections of [...origins.values(), ...retired]) connections.close();
      origins.clear();
    },
  };
}

function limitsOf(
  { firstByteTimeoutMs, idleTimeoutMs }: ConnectorOptions,
  clock: Pick<Clock, "monotonic">,
): CallLimits {
  const watch = new StallWatch(Math.min(firstByteTimeoutMs, idleTimeoutMs), clock);
  return { firstByteTimeoutMs, idleTimeoutMs, watch };
}

function checkedLookup(resolve: LookupFunction, allowPrivate: boolean): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, found) => {
      if (error !== null) return callback(error, "", 0);
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const allowed = all.filter((entry) => isAllowedAddress(entry.address, allowPrivate));
      const first = allowed[0];
      if (first === undefined) return callback(new ForbiddenAddress(`no allowed address for ${hostname}`), "", 0);
      if (lookupOptions.all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}
