import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { usd } from "../../kernel/money.ts";
import { costOf } from "../../catalog/index.ts";
import { recompute, seenValues, series, summarize } from "../../usage/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { filterOf, settled } from "../usage-filter.ts";

export function usageHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["usage"], Call> {
  return {
    sum: async ({ query }) => {
      const filter = filterOf(query, parts.clock);
      await settled(parts.usage);
      const { data, span } = await summarize(parts.db, { by: query.by, ...filter });
      return { data: data.map((row) => ({ ...row })), ...describeSpan(span) };
    },
    series: async ({ query }) => {
      await settled(parts.usage);
      const { data, span } = await series(parts.db, { bucket: query.bucket, ...filterOf(query, parts.clock) });
      return { data, ...describeSpan(span) };
    },
    filters: async ({ query }) => {
      await settled(parts.usage);
      return seenValues(parts.db, filterOf(query, parts.clock).since);
    },
    recompute: async ({ input: { dry_run: dryRun, ...query } }) => {
      await settled(parts.usage);
      const { models } = parts.providers;
      const { rows, changed, beforeMicros, afterMicros } = await recompute(parts.db, {
        filter: filterOf(query, parts.clock),
        costOf: (provider, model, tokens) => costOf(tokens, models.lookup(provider, model)?.price)?.micros,
        dryRun,
      });
      return { rows, changed, before_cost_usd: usd(beforeMicros), after_cost_usd: usd(afterMicros) };
    },
  };
}

function describeSpan({ since, until }: { readonly since?: number | undefined; readonly until?: number | undefined }) {
  return {
    since: since === undefined ? null : isoTime(since),
    until: until === undefined ? null : isoTime(until),
  };
}
