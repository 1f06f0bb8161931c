import * as z from "zod";
import { line, time } from "./values.ts";

export const owner = z.object({ id: z.string(), name: z.string(), created_at: time });

export const setup = {
  claim: {
    /** `code`: the one-time code; not needed together with an admin token. */
    input: z.strictObject({ code: z.string().min(1).max(100).optional(), name: line }),
    /** `admin_key` is shown here and never again. */
    output: z.object({ owner, admin_key: z.string() }),
  },
};
