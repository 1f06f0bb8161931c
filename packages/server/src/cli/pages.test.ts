import assert from "node:assert/strict";
import test from "node:test";
import { allPages } from "./pages.ts";

/** A list of `size` numbers, served in pages of two. */
function source(size: number) {
  const asked: (string | undefined)[] = [];
  return {
    asked,
    fetchPage: async ({ limit, cursor }: { readonly limit: number; readonly cursor: string | undefined }) => {
      asked.push(cursor);
      const from = Number(cursor ?? 0);
      const to = Math.min(size, from + Math.min(2, limit));
      const data = Array.from({ length: to - from }, (_, index) => from + index);
      return { data, next_cursor: to < size ? String(to) : null };
    },
  };
}

test("a list is read to its end, page by page", async () => {
  const { fetchPage, asked } = source(5);
  assert.deepEqual(await allPages(fetchPage), [0, 1, 2, 3, 4]);
  assert.deepEqual(asked, [undefined, "2", "4"]);
});

test("no more is read than was asked for", async () => {
  const { fetchPage, asked } = source(100);
  assert.deepEqual(await allPages(fetchPage, 3), [0, 1, 2]);
  assert.equal(asked.length, 2);
});
