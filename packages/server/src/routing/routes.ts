import type { Db } from "../db/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Providers } from "../providers/index.ts";
import { findBrokenTarget } from "./broken-route.ts";
import { formatModelAt, parseRoute, type NewRoute, type ParsedRoute, type Route } from "./route.ts";
import { createRouteIndex } from "./route-index.ts";
import { createRouteRows, type StoredRoute } from "./route-rows.ts";

/** The routes that the configuration file declares; `file` is its name for messages. */
export interface DeclaredRoutes {
  readonly file: string;
  readonly routes: readonly NewRoute[];
}

export interface RoutesParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly declared: DeclaredRoutes;
  readonly providers: Pick<Providers, "get">;
}

/** What callers may ask for in place of a model. */
export interface Routes {
  /** Sorted by name. */
  list(): readonly Route[];
  /** Throws `not_found`. */
  get(name: string): Route;
  /** The route that a requested name leads to: an exact name before a pattern, a longer pattern before a shorter one. */
  match(requested: string): Route | undefined;
  /** Makes a route, or puts another in the place of the one before. Throws `invalid_request`, `route_declared`. */
  set(asked: NewRoute): Promise<{ readonly route: Route; readonly created: boolean }>;
  /** Throws `not_found`, `route_declared`. */
  remove(name: string): Promise<void>;
  /** Reads the table again, for changes that another instance made. */
  refresh(): Promise<void>;
  /** Checks another declaration, throwing `invalid_request`; what it returns puts that in force and cannot fail. */
  redeclare(next: DeclaredRoutes): () => void;
}

/**
 * The routes, in memory: those of the database, and those that the file declares, which win over stored ones of the same
 * name. Changes are made one after the other, each written first and then put in force.
 */
export async function createRoutes({ db, clock, declared, providers }: RoutesParts): Promise<Routes> {
  const rows = createRouteRows(db);
  const inTurn = createQueue();
  let fromFile = declaredRoutes(declared);
  let fromTable: readonly StoredRoute[] = [];
  let index = createRouteIndex(fromFile);

  function rebuild(): void {
    index = createRouteIndex([...fromTable, ...fromFile]);
  }

  async function read(): Promise<void> {
    fromTable = await rows.all();
    rebuild();
  }

  function required(name: string): Route {
    const route = index.get(name);
    if (route === undefined) throw new AppError("not_found", { what: "route", id: name });
    return route;
  }

  function refuseDeclared(name: string): void {
    const file = index.get(name)?.declaredIn;
    if (file !== undefined) throw new AppError("route_declared", { name, file });
  }

  await read();
  return {
    list: () => index.list,
    get: required,
    match: (requested) => index.match(requested),
    set: (asked) =>
      inTurn(async () => {
        const parsed = parseRoute(asked);
        refuseDeclared(parsed.name);
        refuseBroken(parsed, providers);
        const created = index.get(parsed.name) === undefined;
        const now = clock.now();
        await rows.put({ ...parsed, declaredIn: undefined, createdAt: now, updatedAt: now });
        await read();
        return { route: required(parsed.name), created };
      }),
    remove: (name) =>
      inTurn(async () => {
        required(name);
        refuseDeclared(name);
        await rows.remove(name);
        await read();
      }),
    refresh: () => inTurn(read),
    redeclare: (next) => {
      const prepared = declaredRoutes(next);
      return () => {
        fromFile = prepared;
        rebuild();
      };
    },
  };
}

function refuseBroken(route: ParsedRoute, providers: RoutesParts["providers"]): void {
  const broken = findBrokenTarget(route, providers);
  if (broken === undefined) return;
  const problem = `there is no provider \`${broken.provider}\` for the target \`${formatModelAt(broken)}\`; \`GET /api/v1/providers\` lists them`;
  throw new AppError("invalid_request", { problem });
}

function createQueue() {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(change: () => Promise<Result>): Promise<Result> => {
    const result = last.then(change);
    last = result.catch(() => undefined);
    return result;
  };
}

function declaredRoutes({ file, routes }: DeclaredRoutes): readonly Route[] {
  return routes.map((asked) => ({
    ...parseRoute(asked),
    declaredIn: file,
    createdAt: undefined,
    updatedAt: undefined,
  }));
}
