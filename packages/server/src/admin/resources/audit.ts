import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";

export function auditHandlers({ audit }: AdminParts): HandlersOf<(typeof endpoints)["audit"], Call> {
  return {
    list: async ({ query }) => {
      const before = query.cursor === undefined ? undefined : Number(query.cursor);
      if (before !== undefined && !Number.isSafeInteger(before)) {
        throw new AppError("invalid_request", { problem: "`cursor` is not one that this list gave" });
      }
      const events = await audit.list(query.limit, before);
      const last = events.at(-1);
      return {
        data: events.map((event) => ({ ...event, at: isoTime(event.at), detail: { ...event.detail } })),
        next_cursor: last !== undefined && last.seq > 1 && events.length === query.limit ? String(last.seq) : null,
      };
    },
  };
}
