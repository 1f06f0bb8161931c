/** All rows of a paged list, or the first `limit` of them. */
export async function allPages<Row>(
  fetchPage: (page: { readonly limit: number; readonly cursor: string | undefined }) => Promise<{
    readonly data: readonly Row[];
    readonly next_cursor: string | null;
  }>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage({ limit: Math.min(500, limit - rows.length), cursor });
    rows.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && rows.length < limit);
  return rows.slice(0, limit);
}
