import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { createExchange } from "./exchange.ts";
import { createIds } from "./ids.ts";
import { deliver } from "./pace.ts";
import { createRecorder, type RecordedRequest, type SimulatorStats } from "./record.ts";
import { createPlaybook, type Scenario } from "./scenario.ts";

export interface SimulatorOptions {
  /** Tells `created` times and when requests came; waiting is always real. */
  readonly clock?: Clock;
  /** The same seed gives the same ids in the same order. */
  readonly seed?: number;
  readonly scenarios?: readonly Scenario[];
  /** Accept these API keys only. Without it, any key will do, but there must be one. */
  readonly apiKeys?: readonly string[];
  /** Keep the requests for inspection; on unless switched off. */
  readonly record?: boolean;
}

/** A fake upstream. It listens on one port and speaks all dialects; see `Script` for how to make it misbehave. */
export interface Simulator {
  /** Opens the port: a free one on 127.0.0.1 unless told otherwise. */
  listen(address?: {
    readonly host?: string;
    readonly port?: number;
  }): Promise<{ readonly url: string; readonly port: number }>;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Forgets the recorded requests. */
  clear(): void;
  /** Replaces the scenarios; their counts start anew. */
  play(scenarios: readonly Scenario[]): void;
  stats(): SimulatorStats;
  /** Resolves once no request is under way. */
  idle(): Promise<void>;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const clock = options.clock ?? systemClock;
  const recorder = createRecorder(options.record ?? true);
  let playbook = createPlaybook(options.scenarios ?? []);
  const decide = createExchange({
    clock,
    nextId: createIds(options.seed ?? 1),
    apiKeys: options.apiKeys === undefined ? undefined : new Set(options.apiKeys),
    scriptFor: (occasion) => playbook.take(occasion),
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const entry = recorder.begin(request.method ?? "", request.url ?? "", request.rawHeaders, clock.now());
    const bytes = await bodyOf(request);
    if (bytes === undefined) return recorder.end(entry, true);
    recorder.body(entry, bytes);
    const { outgoing, script } = decide({
      method: request.method ?? "",
      path: (request.url ?? "").split("?", 1)[0] ?? "",
      query: new URLSearchParams(/\?.*/.exec(request.url ?? "")?.[0]),
      header: (name) => headerOf(request, name),
      bytes,
    });
    recorder.answered(entry, outgoing);
    const ending = await deliver(response, outgoing, script, (sizeBytes) => recorder.sent(entry, sizeBytes));
    if (ending === "sent" && !response.closed) await new Promise((resolve) => response.once("close", resolve));
    recorder.end(entry, ending === "left" || (ending === "sent" && !response.writableFinished));
  };

  const server = createServer(
    { keepAliveTimeout: 60_000, requestTimeout: 0 },
    (request, response) => void serve(request, response),
  );
  return {
    listen({ host = "127.0.0.1", port = 0 } = {}) {
      return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          const address = server.address();
          const actual = typeof address === "object" && address !== null ? address.port : port;
          resolve({ url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`, port: actual });
        });
      });
    },
    get requests() {
      return recorder.requests();
    },
    clear: () => recorder.clear(),
    play(scenarios) {
      playbook = createPlaybook(scenarios);
    },
    stats: () => recorder.stats(),
    idle: () => recorder.idle(),
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The whole body, or nothing if the client left before it was complete. */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once("error", () => resolve(undefined));
    request.once("close", () => resolve(undefined));
  });
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
