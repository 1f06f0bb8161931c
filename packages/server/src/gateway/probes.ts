import { isoTime, type Clock } from "../kernel/clock.ts";
import { dialectById } from "../dialects/index.ts";
import { sendJson } from "./plain-reply.ts";
import type { GatewayRoute, Visit } from "./routes.ts";

/** What stands between this gateway and serving, in a few words; `undefined` if nothing does. */
export type Readiness = () => string | undefined;

export interface ProbeParts {
  readonly version: string;
  readonly readiness: Readiness;
  readonly clock: Clock;
}

/**
 * Addresses that need no key: whether the process is alive (`/health`, `/healthz`), whether it can serve (`/readyz`), and
 * the root and `/api/hello`, which clients touch before their first request.
 */
export function probeRoutes({ version, readiness, clock }: ProbeParts): readonly GatewayRoute[] {
  const alive = (visit: Visit): void => sendJson(visit, { status: "ok", version, timestamp: isoTime(clock.now()) });
  const ready = (visit: Visit): void => {
    const problem = readiness();
    if (problem === undefined) sendJson(visit, { status: "ready" });
    else sendJson(visit, { status: "not ready", problem }, 503);
  };
  const hello = (visit: Visit): void => sendJson(visit, { name: "portcullis", version });
  const answers = {
    "/health": alive,
    "/healthz": alive,
    "/health/liveliness": alive, // LiteLLM's spelling
    "/health/liveness": alive,
    "/readyz": ready,
    "/health/readiness": ready,
    "/": hello,
    "/api/hello": hello,
  };
  const dialect = dialectById("openai-chat");
  return Object.entries(answers).flatMap(([path, answer]): GatewayRoute[] => [
    { method: "GET", path, dialect, policy: "public", answer },
    { method: "HEAD", path, dialect, policy: "public", answer },
  ]);
}
