import { isoTime } from "../../kernel/clock.ts";
import { releasedMs, type Listed } from "./listed.ts";
import type { ModelShape } from "./shape.ts";

/** https://docs.anthropic.com/en/api/models-list. Its clients show only ids that begin with `claude` or `anthropic`. */
export const anthropicModels: ModelShape = {
  dialect: "anthropic-messages",
  prefersBare: (model) => model.startsWith("claude"),
  one,
  list(listed) {
    const ends = { first_id: listed[0]?.id ?? null, last_id: listed.at(-1)?.id ?? null };
    return { data: listed.map(one), has_more: false, ...ends };
  },
};

function one({ id, entry }: Listed): object {
  return { type: "model", id, display_name: entry.name, created_at: isoTime(releasedMs(entry)) };
}
