import * as z from "zod";
import { count, time } from "./values.ts";

export const status = {
  get: {
    output: z.object({
      version: z.string(),
      started_at: time,
      uptime_seconds: count,
      /** Whether the instance has an owner. */
      claimed: z.boolean(),
      vault: z.enum(["sealed", "unsealed"]),
      /** The file in force, when it was read, and why what it says now is not in force, if so. */
      config: z.object({ file: z.string().nullable(), loaded_at: time, problem: z.string().nullable() }),
      database: z.object({ engine: z.enum(["sqlite", "postgres"]), ok: z.boolean() }),
      /** Usage that is written down: whether more can be, and how much is not in the database yet. */
      journal: z.object({ ok: z.boolean(), waiting_rows: count, bytes: count, problem: z.string().nullable() }),
      /** Single requests in the database, about once a minute; their room is estimated. `null` right after the start. */
      requests: z
        .object({
          rows: count,
          bytes: count,
          /** Deleted since there was no room for them, ever. */
          dropped_rows: count,
        })
        .nullable(),
      /** The kinds of sources that references in use lead to. */
      sources: z.array(
        z.object({
          kind: z.string(),
          /** Whether every last attempt to read a value succeeded. */
          ok: z.boolean(),
          last_ok_at: time.nullable(),
          /** The age of the oldest value that is being used. */
          age_ms: count.nullable(),
          problem: z.string().nullable(),
          /** How many values are at hand. */
          cached: count,
        }),
      ),
      providers_with_keys: z.array(z.string()),
    }),
  },
  openApi: { output: z.record(z.string(), z.unknown()) },
};
