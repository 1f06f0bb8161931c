import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { summarize } from "../../usage/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { filterOf, settled } from "../usage-filter.ts";

export function usageHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["usage"], Call> {
  return {
    sum: async ({ query }) => {
      const filter = filterOf(query, parts.clock);
      await settled(parts.usage);
      const rows = await summarize(parts.db, { by: query.by, ...filter });
      return {
        data: rows.map((row) => ({ ...row })),
        since: filter.since === undefined ? null : isoTime(filter.since),
        until: filter.until === undefined ? null : isoTime(filter.until),
      };
    },
  };
}
