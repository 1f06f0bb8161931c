import { releasedMs, type Listed } from "./listed.ts";
import type { ModelShape } from "./shape.ts";

/** https://platform.openai.com/docs/api-reference/models */
export const openaiModels: ModelShape = {
  dialect: "openai-chat",
  prefersBare: () => false,
  one,
  list: (listed) => ({ object: "list", data: listed.map(one) }),
};

function one({ id, entry }: Listed): object {
  return { id, object: "model", created: Math.floor(releasedMs(entry) / 1000), owned_by: entry.provider };
}
