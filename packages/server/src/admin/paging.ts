import { AppError } from "../kernel/errors.ts";

/** One page of a list that is held whole: the items after the one whose id is `cursor`. */
export function pageOf<Item>(
  items: readonly Item[],
  query: { readonly limit: number; readonly cursor?: string | undefined },
  idOf: (item: Item) => string,
): { data: Item[]; next_cursor: string | null } {
  const before = query.cursor === undefined ? -1 : items.findIndex((item) => idOf(item) === query.cursor);
  if (query.cursor !== undefined && before === -1) {
    throw new AppError("invalid_request", { problem: "`cursor` is not one that this list gave" });
  }
  const data = items.slice(before + 1, before + 1 + query.limit);
  const last = data.at(-1);
  const more = before + 1 + data.length < items.length;
  return { data, next_cursor: more && last !== undefined ? idOf(last) : null };
}
