import type { Clock } from "../kernel/clock.ts";
import { describe, type AppError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { Journal, type SegmentProgress } from "./journal.ts";
import type { EndRecord, StartRecord } from "./record.ts";
import type { KeptRequests, Retention } from "./retention.ts";
import type { OpenRequest } from "./segment.ts";
import { Settler, type LedgerAddress } from "./settler.ts";

export interface UsageParts {
  /** Where the journal lies; made if need be. One process at a time. */
  readonly directory: string;
  readonly database: LedgerAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** The most the journal may take on disk while the database is away; 256 MiB unless given. */
  readonly maxBytes?: number;
  /** How long usage is kept; for ever unless given. */
  readonly retention?: Retention;
}

export interface UsageHealth {
  /** Whether requests are let in. A database that is away does not change that until the journal is full. */
  readonly ok: boolean;
  /** Requests that have ended and are not in the database yet. */
  readonly lag_rows: number;
  readonly journal_bytes: number;
  /** The single requests in the database; `undefined` before they were first looked through. */
  readonly kept: KeptRequests | undefined;
  /** What an operator should look at, also where requests are still let in. */
  readonly problem?: string;
}

/** Usage that cannot be lost: journal → settler → ledger. */
export interface Usage {
  /**
   * Records that a request is about to be sent upstream: a few microseconds, on disk (the kernel's) when it returns.
   * Throws `journal_unavailable` if it cannot be recorded; then the request must be refused.
   */
  start(record: StartRecord): OpenRequest;
  /**
   * Records how a started request ended; to be called exactly once, before its reply ends. Room for it was set aside at
   * the start, so a full disk does not make it fail. Throws `internal` for a request that is not open.
   */
  end(request: OpenRequest, record: EndRecord): void;
  /** Resolves once every request that has ended is in the database. Rejects if that cannot be done now. */
  flush(): Promise<void>;
  health(): UsageHealth;
  /** From now on usage is kept so long, and in so much room. */
  retain(retention: Retention): void;
  /** Settles what it can and stops; the rest is settled by the next process. Open requests become `interrupted`. */
  close(): Promise<void>;
}

const defaultMaxBytes = 256 * 1024 * 1024;
const largestSegmentBytes = 4 * 1024 * 1024;

/**
 * Opens the journal and begins to settle it, what an earlier process left included: its requests that did not end become
 * `interrupted` rows, charged the floor of their input. This goes on beside new requests and needs no waiting for.
 * Throws the file system's error if the directory cannot be used.
 */
export async function openUsage(parts: UsageParts): Promise<Usage> {
  const { directory, database, clock, log, maxBytes = defaultMaxBytes, retention } = parts;
  const segmentBytes = Math.min(largestSegmentBytes, Math.floor(maxBytes / 16));
  const journal = new Journal({ directory, maxBytes, segmentBytes, clock });
  const check = watch(journal, log);
  const settler = new Settler({
    data: { directory, database, retention },
    log,
    states: () => journal.states(),
    onProgress: (progress) => noteProgress(journal, progress, log),
    onWake() {
      if (check() !== undefined && journal.heldRows > 0) settler.poke();
    },
  });
  return {
    start: (record) => journal.start(record),
    end(request, record) {
      journal.end(request, record);
      settler.poke();
    },
    async flush() {
      const refusal = check();
      if (refusal !== undefined && journal.heldRows > 0) throw refusal;
      await settler.flush();
    },
    health: () => describeHealth(check(), journal, settler),
    retain: (changed) => settler.retain(changed),
    async close() {
      check();
      journal.close();
      if (journal.heldRows > 0) {
        log.error({ rows: journal.heldRows }, "usage rows could not be written; their requests count as interrupted");
      }
      await settler.flush().catch((error: unknown) => {
        log.warn({ error: describe(error), rows: journal.lagRows }, "usage waits in the journal for the next start");
      });
      await settler.close();
    },
  };
}

/** The journal's own check, which tries again what failed before; it tells the log when that begins and ends to fail. */
function watch(journal: Journal, log: Log): () => AppError | undefined {
  let known: string | undefined;
  return () => {
    const refusal = journal.check();
    const trouble = refusal === undefined ? undefined : describe(refusal);
    if (trouble !== undefined && trouble !== known) log.error({ held_rows: journal.heldRows }, trouble);
    if (trouble === undefined && known !== undefined) log.info({}, "usage can be recorded again");
    known = trouble;
    return refusal;
  };
}

function noteProgress(journal: Journal, progress: SegmentProgress, log: Log): void {
  journal.noteProgress(progress);
  if (progress.interruptedRows === 0) return;
  log.warn({ requests: progress.interruptedRows }, "requests were interrupted; the floor of their input is charged");
}

function describeHealth(refusal: AppError | undefined, journal: Journal, settler: Settler): UsageHealth {
  const aside = settler.rejectedRows;
  const asideText = aside === 0 ? undefined : `${aside} usage rows were put aside in journal/rejected.log`;
  const problems = [refusal?.message, ...settler.problems, asideText].filter((problem) => problem !== undefined);
  return {
    ok: refusal === undefined,
    lag_rows: journal.lagRows,
    journal_bytes: journal.sizeBytes,
    kept: settler.kept,
    ...(problems.length > 0 && { problem: problems.join("; ") }),
  };
}
