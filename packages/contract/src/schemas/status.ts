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
      database: z.object({ engine: z.enum(["sqlite", "postgres"]), ok: z.boolean() }),
      /** Usage that is written down: whether more can be, and how much is not in the database yet. */
      journal: z.object({ ok: z.boolean(), waiting_rows: count, bytes: count, problem: z.string().nullable() }),
      providers_with_keys: z.array(z.string()),
    }),
  },
  openApi: { output: z.record(z.string(), z.unknown()) },
};
