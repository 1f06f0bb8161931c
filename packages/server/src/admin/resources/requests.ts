import type { endpoints, HandlersOf, RequestRow as RequestBody } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import { getRequest, listRequests, type RequestRow } from "../../usage/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { filterOf, settled } from "../usage-filter.ts";

export function requestHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["requests"], Call> {
  return {
    list: async ({ query }) => {
      await settled(parts.usage);
      const { limit, cursor, translated } = query;
      const page = await listRequests(parts.db, {
        ...filterOf(query, parts.clock),
        limit,
        ...(cursor !== undefined && { cursor }),
        ...(translated !== undefined && { translated: translated === "true" }),
      });
      return { data: page.data.map(describeRow), next_cursor: page.next_cursor };
    },
    get: async ({ params }) => {
      await settled(parts.usage);
      const row = await getRequest(parts.db, params.id);
      if (row === undefined) throw new AppError("not_found", { what: "request", id: params.id });
      return describeRow(row);
    },
  };
}

function describeRow({ user_name, dropped, ...row }: RequestRow): RequestBody {
  const usageSource = row.usage_source as RequestBody["usage_source"];
  return { ...row, user: user_name, usage_source: usageSource, dropped: dropped as RequestBody["dropped"] };
}
