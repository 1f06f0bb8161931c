import assert from "node:assert/strict";
import { test } from "node:test";
import { serverBlockText } from "./server-blocks.ts";

test("what the vendor's tools found is told in its words, with where it was found", () => {
  const search = (title: string, url: string): object => ({
    type: "web_search_result",
    title,
    url,
    encrypted_content: "x",
  });
  assert.equal(
    serverBlockText({
      type: "web_search_tool_result",
      content: [search("A", "https://e.com/a"), search("B", "https://e.com/b")],
    }),
    "[Result of web search]\nA – https://e.com/a\nB – https://e.com/b",
  );
  const page = (source: object): object => ({
    type: "web_fetch_result",
    url: "https://e.com",
    content: { type: "document", title: "T", source },
  });
  const fetched = (source: object): string | undefined =>
    serverBlockText({ type: "web_fetch_tool_result", content: page(source) });
  assert.equal(fetched({ type: "text", data: "Words." }), "[Result of web fetch]\nT – https://e.com\nWords.");
  assert.equal(fetched({ type: "base64", data: "JVBERi0=" }), "[Result of web fetch]\nT – https://e.com");
  assert.equal(
    serverBlockText({ type: "code_execution_tool_result", content: { stdout: "1\n", stderr: "warn", return_code: 0 } }),
    "[Result of code execution]\n1\n\nwarn",
  );
  const error = { type: "web_search_tool_result_error", error_code: "too_many_requests" };
  assert.equal(
    serverBlockText({ type: "web_search_tool_result", content: error }),
    "[Result of web search]\ntoo_many_requests",
  );
  const mcp = [{ type: "text", text: "echo" }];
  assert.equal(serverBlockText({ type: "mcp_tool_result", content: mcp }), "[Result of mcp]\necho");
});

test("what has no words is nothing, and a long list is cut", () => {
  assert.equal(serverBlockText({ type: "web_search_tool_result", content: [] }), undefined);
  assert.equal(serverBlockText({ type: "web_search_tool_result" }), undefined);
  assert.equal(serverBlockText({ type: "container_upload", content: "a" }), undefined);
  assert.equal(serverBlockText({}), undefined);
  const many = Array.from({ length: 1_000 }, () => ({ text: "x" }));
  assert.equal(
    serverBlockText({ type: "web_search_tool_result", content: many })?.length,
    "[Result of web search]".length + 400,
  );
});
