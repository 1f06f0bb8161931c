import * as z from "zod";
import { count, page, paging, time } from "./values.ts";

export const auditEvent = z.object({
  seq: count,
  id: z.string(),
  at: time,
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
});

export const audit = {
  list: { query: z.strictObject(paging), output: page(auditEvent) },
};
