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
      /** Usage that is written down but not yet in the database. */
      journal: z.object({ waiting_records: count, lag_seconds: z.number().min(0) }),
      providers_with_keys: z.array(z.string()),
    }),
  },
  openApi: { output: z.record(z.string(), z.unknown()) },
};
