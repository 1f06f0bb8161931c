import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, asAppError, describe } from "../kernel/errors.ts";
import { ulid } from "../kernel/ids.ts";
import { dialectById, dialects, type Dialect, type DialectRoute } from "../dialects/index.ts";
import type { Caller } from "../identity/index.ts";
import type { HttpReply, HttpRequest, Plane, PlainPlane, Refuse } from "../ingress/index.ts";
import type { Exchange } from "./exchange.ts";
import { dialectByHeaders, modelRoutes, type ModelListParts } from "./models/index.ts";
import { serve, type PipelineParts } from "./pipeline.ts";
import { ollamaRoutes } from "./ollama-routes.ts";
import { OpenReplies } from "./open-replies.ts";
import { withoutPrefix } from "./prefixes.ts";
import { probeRoutes, type ProbeParts } from "./probes.ts";
import { createRouteTable, type FoundRoute, type GatewayRoute, type Visit } from "./routes.ts";
import { authenticate } from "./stages/authenticate.ts";
import { planKept } from "./stages/kept.ts";
import { notPassed, passthroughMethods, passthroughRoute, planPassthrough } from "./stages/passthrough.ts";
import { refuse } from "./stages/refuse.ts";

export interface GatewayParts extends Omit<PipelineParts, "open">, ModelListParts, ProbeParts {}

export interface Gateway {
  readonly plane: Plane;
  /** The same for requests that come on lanes: those for models. */
  readonly plain: PlainPlane;
  /** Answers what no plane took, in the dialect that the path or the headers suggest. */
  readonly refuse: Refuse;
  /** Every way into the data plane. */
  readonly routes: readonly GatewayRoute[];
  /** Ends every reply under way with this error, and settles it. */
  cutAll(error: AppError): void;
}

/** The data plane: the routes of every dialect, the lists of models, the probes. */
export function createGateway(parts: GatewayParts): Gateway {
  const pipeline: PipelineParts = { ...parts, open: new OpenReplies() };
  parts.keys.onRevoked((id, error) => pipeline.open.cutAllOf(id, error));
  const table = createRouteTable([
    ...dialectRoutes(pipeline),
    ...passthroughRoutes(pipeline),
    ...modelRoutes(parts),
    ...ollamaRoutes(parts),
    ...probeRoutes(parts),
  ]);

  const refuseAny: Refuse = (request, response, path, error) => {
    const near = table.methodsAt(withoutPrefix(path)).map((method) => table.find(method, withoutPrefix(path)))[0];
    refuse(request, response, dialectOf(near, request), error, ulid(parts.clock.now()));
  };

  function answer(found: FoundRoute, request: HttpRequest, response: HttpReply, path: string): void {
    const { route, name } = found;
    const startedAt = parts.clock.now();
    const visit: Visit = { request, response, id: ulid(startedAt), startedAt, name, query: queryOf(request, path) };
    try {
      if (route.policy === "public") route.answer(visit);
      else route.answer(visit, authenticate(request, parts.keys));
    } catch (thrown) {
      const error = asAppError(thrown);
      if (error.level === "error") parts.log.error({ requestId: visit.id, path, error: describe(error) }, "refused");
      refuse(request, response, dialectOf(found, request), error, visit.id);
    }
  }

  function plane(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const method = request.method ?? "";
    const found = table.find(method, path) ?? table.find(method, withoutPrefix(path));
    if (found !== undefined) {
      answer(found, request, response, path);
      return true;
    }
    const allowed = table.methodsAt(withoutPrefix(path)).join(", ");
    if (allowed === "") return false;
    response.setHeader("allow", allowed);
    refuseAny(request, response, path, new AppError("method_not_allowed", { path, method, allowed }));
    return true;
  }

  const findPlain = (path: string): FoundRoute | undefined =>
    table.find("POST", path) ?? table.find("POST", withoutPrefix(path));
  const plain: PlainPlane = {
    takes: (path) => findPlain(path)?.route.policy === "key",
    answer(request, reply, path) {
      const found = findPlain(path);
      if (found !== undefined) answer(found, request, reply, path);
    },
  };

  return { plane, plain, refuse: refuseAny, routes: table.routes, cutAll: (error) => pipeline.open.cutAll(error) };
}

function dialectRoutes(pipeline: PipelineParts): readonly GatewayRoute[] {
  return dialects.flatMap((dialect) =>
    dialect.routes.map(
      (route): GatewayRoute => ({
        method: route.method,
        path: route.path,
        dialect,
        policy: "key",
        answer(visit, caller) {
          const exchange = newExchange(visit, caller, dialect, route, pipeline);
          void (route.purpose === "kept" ? serve(exchange, pipeline, planKept) : serve(exchange, pipeline));
        },
      }),
    ),
  );
}

function passthroughRoutes(pipeline: PipelineParts): readonly GatewayRoute[] {
  const dialect = dialectById("openai-chat");
  return passthroughMethods.map((method) => ({
    method,
    path: passthroughRoute.path,
    except: notPassed,
    dialect,
    policy: "key",
    answer(visit, caller) {
      void serve(newExchange(visit, caller, dialect, passthroughRoute, pipeline), pipeline, planPassthrough);
    },
  }));
}

function newExchange(
  visit: Visit,
  caller: Caller,
  dialect: Dialect,
  route: DialectRoute,
  { clock }: PipelineParts,
): Exchange {
  return {
    id: visit.id,
    startedAt: visit.startedAt,
    startedMonotonic: clock.monotonic(),
    dialect,
    route,
    nameInPath: visit.name,
    query: visit.query,
    request: visit.request,
    response: visit.response,
    caller,
    requestBytes: 0,
    estimatedInput: 0,
    attempts: 0,
  };
}

function queryOf(request: HttpRequest, path: string): string {
  return (request.url ?? "").slice(path.length);
}

/** Whose error shape a caller expects: that of the route, or where there is none as the headers suggest. */
function dialectOf(found: FoundRoute | undefined, request: HttpRequest): Dialect {
  const dialect = found?.route.dialect;
  if (typeof dialect === "function") return dialect(request);
  return dialect ?? dialectById(dialectByHeaders(request));
}
