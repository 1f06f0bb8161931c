import type { Selectable } from "kysely";
import type { Db, Tables } from "../db/index.ts";
import { formatDestination, parseDestination, type Route } from "./route.ts";

type RouteRow = Selectable<Tables["routes"]>;

/** A route that has a row. */
export type StoredRoute = Route & { readonly createdAt: number; readonly updatedAt: number };

/** The table of the routes that were made at run time. */
export function createRouteRows({ kysely }: Db) {
  return {
    all: async (): Promise<readonly StoredRoute[]> =>
      (await kysely.selectFrom("routes").selectAll().execute()).map(fromRow),

    /** In the place of the row before, which keeps the time it was made. */
    put: async (route: StoredRoute): Promise<void> => {
      const row = toRow(route);
      const { name: _name, created_at: _madeAt, ...changes } = row;
      await kysely
        .insertInto("routes")
        .values(row)
        .onConflict((conflict) => conflict.column("name").doUpdateSet(changes))
        .execute();
    },

    remove: async (name: string): Promise<void> => {
      await kysely.deleteFrom("routes").where("name", "=", name).execute();
    },
  };
}

function toRow({ name, destination, lossy, displayName, createdAt, updatedAt }: StoredRoute): RouteRow {
  const { targets, tiers } = formatDestination(destination);
  return {
    name,
    targets: targets && JSON.stringify(targets),
    tiers: tiers && JSON.stringify(tiers),
    lossy: lossy ?? null,
    display_name: displayName ?? null,
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

function fromRow(row: RouteRow): StoredRoute {
  const targets = parsed(row.targets) as readonly string[] | undefined; // as `toRow` wrote it
  const tiers = parsed(row.tiers) as ReturnType<typeof formatDestination>["tiers"] | undefined;
  const { reasoning, completion, value } = tiers ?? {};
  const given = { reasoning: reasoning ?? undefined, completion, value: value ?? undefined };
  return {
    name: row.name,
    destination: parseDestination({ name: row.name, targets, tiers: tiers === undefined ? undefined : given }),
    lossy: row.lossy ?? undefined,
    displayName: row.display_name ?? undefined,
    declaredIn: undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function parsed(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}
