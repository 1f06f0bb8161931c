import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, asAppError, describe } from "../kernel/errors.ts";
import { isoTime } from "../kernel/clock.ts";
import { ulid } from "../kernel/ids.ts";
import { dialectById, dialects, type Dialect, type DialectRoute } from "../dialects/index.ts";
import type { Plane, Refuse } from "../ingress/index.ts";
import type { Exchange } from "./exchange.ts";
import { answerModels, speaksAnthropic, type ModelListParts } from "./model-list.ts";
import { serve, type PipelineParts } from "./pipeline.ts";
import { OpenReplies } from "./open-replies.ts";
import { answerProbe, type Readiness } from "./probes.ts";
import { admitCaller } from "./stages/admit.ts";
import { authenticate } from "./stages/authenticate.ts";
import { refuse } from "./stages/refuse.ts";

export interface GatewayParts extends Omit<PipelineParts, "open">, ModelListParts {
  readonly version: string;
  readonly readiness: Readiness;
}

export interface Gateway {
  readonly plane: Plane;
  /** Answers what no plane took, in the dialect that the path or the headers suggest. */
  readonly refuse: Refuse;
}

/** The data plane: the routes of every dialect, the list of models, the probes. */
export function createGateway(parts: GatewayParts): Gateway {
  const routes = new Map<string, { readonly dialect: Dialect; readonly route: DialectRoute }>();
  for (const dialect of dialects) {
    for (const route of dialect.routes) routes.set(`${route.method} ${route.path}`, { dialect, route });
  }
  const pipeline: PipelineParts = { ...parts, open: new OpenReplies() };
  parts.keys.onRevoked((id, error) => pipeline.open.cutAllOf(id, error));

  const refuseAny: Refuse = (request, response, path, error) => {
    refuse(request, response, dialectOf(request, path, routes), error, ulid(parts.clock.now()));
  };

  function plane(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const found = routes.get(`${request.method ?? ""} ${path}`);
    if (found !== undefined) {
      void serve(newExchange(request, response, path, found, parts), pipeline);
      return true;
    }
    const isModels = path === "/v1/models" || path.startsWith("/v1/models/");
    if (isModels && request.method === "GET") {
      listModels(request, response, path);
      return true;
    }
    if (isModels || routes.has(`POST ${path}`)) {
      const allowed = isModels ? "GET" : "POST";
      response.setHeader("allow", allowed);
      refuseAny(
        request,
        response,
        path,
        new AppError("method_not_allowed", { path, method: request.method ?? "", allowed }),
      );
      return true;
    }
    const about = { version: parts.version, readiness: parts.readiness, now: () => isoTime(parts.clock.now()) };
    return answerProbe(request, response, path, about);
  }

  function listModels(request: IncomingMessage, response: ServerResponse, path: string): void {
    const id = ulid(parts.clock.now());
    response.setHeader("x-request-id", id);
    try {
      const caller = authenticate(request, parts.keys);
      admitCaller(caller);
      answerModels(request, response, path, caller, parts);
    } catch (thrown) {
      const error = asAppError(thrown);
      if (error.level === "error") parts.log.error({ requestId: id, path, error: describe(error) }, "refused");
      refuse(request, response, dialectOf(request, path, routes), error, id);
    }
  }

  return { plane, refuse: refuseAny };
}

function newExchange(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  found: { readonly dialect: Dialect; readonly route: DialectRoute },
  parts: GatewayParts,
): Exchange {
  const startedAt = parts.clock.now();
  return {
    id: ulid(startedAt),
    startedAt,
    startedMonotonic: parts.clock.monotonic(),
    dialect: found.dialect,
    route: found.route,
    query: (request.url ?? "").slice(path.length),
    request,
    response,
    requestBytes: 0,
    estimatedInput: 0,
    journalled: false,
    attempts: 0,
  };
}

/** Whose error shape a caller expects at `path`: the dialect that has it with some method, else as the headers suggest. */
function dialectOf(
  request: IncomingMessage,
  path: string,
  routes: ReadonlyMap<string, { readonly dialect: Dialect }>,
): Dialect {
  const known = routes.get(`POST ${path}`)?.dialect;
  return known ?? dialectById(speaksAnthropic(request) ? "anthropic-messages" : "openai-chat");
}
