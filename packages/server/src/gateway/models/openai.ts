import { releasedMs, type Listed } from "./listed.ts";
import type { ModelShape } from "./shape.ts";

/** https://platform.openai.com/docs/api-reference/models */
export const openaiModels: ModelShape = {
  dialect: "openai-chat",
  prefersBare: () => false,
  one,
  list: (listed) => ({ object: "list", data: listed.map(one) }),
};

/** A model has no name for people in this shape; a route has one, so that it says where it leads. */
function one({ id, entry, isRoute }: Listed): object {
  const created = Math.floor(releasedMs(entry) / 1000);
  return { id, object: "model", created, owned_by: entry.provider, ...(isRoute && { name: entry.name }) };
}
