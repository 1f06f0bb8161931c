import type { Outgoing } from "./pace.ts";

/** A request the simulator has received. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Name and value in turn, as they came. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly startedAt: number;
  /** The status it was answered with; 0 as long as it is not. */
  readonly status: number;
  /** Whether the client left before it had the whole response. */
  readonly aborted: boolean;
  /** Bytes of response body handed to the connection, before compression. */
  readonly bytesSent: number;
}

export interface SimulatorStats {
  readonly requests: number;
  readonly streams: number;
  /** Requests under way. */
  readonly active: number;
  readonly aborted: number;
  readonly bytesSent: number;
}

type Entry = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };

const mostRequests = 1000;
const mostBodyBytes = 64 * 1024 * 1024;

export interface Recorder {
  begin(method: string, path: string, headers: readonly string[], startedAt: number): Entry;
  body(entry: Entry, bytes: Buffer): void;
  answered(entry: Entry, outgoing: Outgoing): void;
  sent(entry: Entry, sizeBytes: number): void;
  end(entry: Entry, aborted: boolean): void;
  requests(): readonly RecordedRequest[];
  clear(): void;
  stats(): SimulatorStats;
  idle(): Promise<void>;
}

/** Keeps the latest requests, bounded in number and in bytes, and counts all. */
export function createRecorder(keeps: boolean): Recorder {
  let entries: Entry[] = [];
  let bodyBytes = 0;
  const totals = { requests: 0, streams: 0, active: 0, aborted: 0, bytesSent: 0 };
  let waiting: (() => void)[] = [];
  return {
    begin(method, path, headers, startedAt) {
      const entry = {
        method,
        path,
        headers,
        body: Buffer.alloc(0),
        startedAt,
        status: 0,
        aborted: false,
        bytesSent: 0,
      };
      totals.requests += 1;
      totals.active += 1;
      if (keeps) entries.push(entry);
      return entry;
    },
    body(entry, bytes) {
      if (entries.lastIndexOf(entry) < 0) return; // not kept, or cleared meanwhile
      entry.body = bytes;
      bodyBytes += bytes.length;
      while (entries.length > mostRequests || (bodyBytes > mostBodyBytes && entries.length > 1))
        bodyBytes -= entries.shift()?.body.length ?? 0;
    },
    answered(entry, outgoing) {
      entry.status = outgoing.status;
      if (outgoing.isStream) totals.streams += 1;
    },
    sent(entry, sizeBytes) {
      entry.bytesSent += sizeBytes;
      totals.bytesSent += sizeBytes;
    },
    end(entry, aborted) {
      entry.aborted = aborted;
      totals.active -= 1;
      if (aborted) totals.aborted += 1;
      if (totals.active > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    requests: () => entries,
    clear() {
      entries = [];
      bodyBytes = 0;
    },
    stats: () => ({ ...totals }),
    idle: () => (totals.active === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  };
}
