/** One system between a load and its providers, from a fresh process to its end. */
import { assertPinned } from "./cpu.ts";
import { exchangeOf, type Dialect, type ExchangeSpec } from "./exchanges.ts";
import type { Load, LoadOrder, Work } from "./load/order.ts";
import { putLoad } from "./load/put.ts";
import { freePort, makeDirectory, stop, systemCore } from "./processes.ts";
import type { StartedSystem, System } from "./systems/system.ts";
import { startUpstream, type Upstream } from "./upstream/start.ts";

export interface Stage {
  /** What each provider replies with; the first one is what a system that knows only one address gets. */
  readonly providers: readonly StagedProvider[];
  /** How many exchanges will be open at once; a default where that is unremarkable. */
  readonly concurrency?: number;
}

export interface StagedProvider {
  readonly exchange: ExchangeSpec;
  /** Nobody listens there. */
  readonly isDown?: boolean;
  /** It will be asked for its counts. */
  readonly counts?: boolean;
}

export interface Session {
  readonly started: StartedSystem;
  /** Of the system, `undefined` for none. */
  readonly pid: number | undefined;
  upstream(provider: string): Upstream;
  order(exchange: ExchangeSpec, work: Work): LoadOrder;
  /** Puts a load on the system. */
  put(exchange: ExchangeSpec, work: Work, options?: { readonly anyReply?: boolean }): Promise<Load>;
  /** The same past the system, on the provider itself. */
  putDirect(exchange: ExchangeSpec, work: Work): Promise<Load>;
}

/** A session that its holder ends, by disposing of it. */
export interface OpenSession extends AsyncDisposable {
  readonly session: Session;
  /** Throws unless the system can show that it recorded every exchange. */
  check(): Promise<void>;
}

/** Starts the providers and the system. Ends what it had started if it throws. */
export async function openSession(system: System, stage: Stage): Promise<OpenSession> {
  await using cleanup = new AsyncDisposableStack();
  const upstreams = new Map<string, Upstream>();
  const providers: { name: string; origin: string; dialect: Dialect }[] = [];
  for (const { exchange, isDown = false, counts = false } of stage.providers) {
    const { provider: name, upstream: dialect } = exchangeOf(exchange);
    if (isDown) {
      providers.push({ name, dialect, origin: `http://127.0.0.1:${await freePort()}` });
      continue;
    }
    const upstream = await startUpstream(exchange, { counts });
    cleanup.defer(async () => void (await stop(upstream.running)));
    upstreams.set(name, upstream);
    providers.push({ name, dialect, origin: upstream.origin });
  }
  const place = { directory: makeDirectory(), providers, concurrency: stage.concurrency ?? 256 };
  const started = await system.start(place);
  cleanup.defer(() => end(system, started));
  await started.configure?.();
  const pid = started.process?.running.pid;
  if (pid !== undefined) assertPinned(pid, systemCore);
  const session = createSession(started, upstreams);
  const owned = cleanup.move();
  return {
    session,
    check: () => checkRecords(system, started, session.wholeExchanges()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Ends everything when the work is done, and before that has the system show that it recorded every exchange. */
export async function withSession<T>(system: System, stage: Stage, work: (session: Session) => Promise<T>): Promise<T> {
  await using opened = await openSession(system, stage);
  const result = await work(opened.session);
  await opened.check();
  return result;
}

function createSession(
  started: StartedSystem,
  upstreams: ReadonlyMap<string, Upstream>,
): Session & { wholeExchanges(): number } {
  let whole = 0;
  const upstream = (provider: string): Upstream => {
    const found = upstreams.get(provider);
    if (found === undefined) throw new Error(`no provider ${provider} is running`);
    return found;
  };
  const order = (exchange: ExchangeSpec, work: Work): LoadOrder => ({
    exchange,
    access: started.access(exchangeOf(exchange)),
    work,
  });
  return {
    started,
    pid: started.process?.running.pid,
    upstream,
    order,
    wholeExchanges: () => whole,
    put: async (exchange, work, { anyReply = false } = {}) => {
      const load = await putLoad({ ...order(exchange, work), anyReply });
      if (!anyReply && work.kind !== "hold" && work.kind !== "stall") whole += load.exchanges;
      return load;
    },
    putDirect: (exchange, work) => {
      const access = { origin: upstream(exchangeOf(exchange).provider).origin, headers: {} };
      return putLoad({ exchange, access, work });
    },
  };
}

/** There may be more than the load has counted: it stops in the middle of its last ones. */
async function checkRecords(system: System, started: StartedSystem, wholeExchanges: number): Promise<void> {
  const records = await started.records?.();
  if (records === undefined || wholeExchanges === 0) return;
  if (records.all < wholeExchanges || records.costUsd <= 0) {
    throw new Error(`of ${wholeExchanges} exchanges, ${system.name} recorded ${JSON.stringify(records)}`);
  }
}

export async function end(system: System, started: StartedSystem): Promise<void> {
  if (started.process !== undefined) {
    const { killed } = await stop(started.process.running);
    if (killed) console.error(`${system.name} did not end within 10 s of SIGTERM and was killed`);
  }
  await started.release?.();
}
