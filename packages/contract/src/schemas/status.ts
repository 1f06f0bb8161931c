import { z } from "zod";
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
      providers_with_keys: z.array(z.string()),
    }),
  },
  openApi: { output: z.record(z.string(), z.unknown()) },
};
