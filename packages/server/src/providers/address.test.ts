import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../kernel/errors.ts";
import { customBaseUrl, customPath, guessDialect, originOf, parseAddress, withoutEnding } from "./address.ts";

function problemOf(text: string, allowPrivate = false): string {
  try {
    return `accepted as ${parseAddress(text, allowPrivate)}`;
  } catch (error) {
    assert.equal((error as AppError).code, "invalid_request");
    return (error as AppError).message;
  }
}

test("an address is kept in one spelling", () => {
  const spellings = {
    "https://api.example.com": "https://api.example.com",
    "https://api.example.com/": "https://api.example.com",
    "https://API.Example.com:443/openai//": "https://api.example.com/openai",
    "HTTPS://api.example.com/Openai": "https://api.example.com/Openai",
    "https://api.example.com:8443/a/b": "https://api.example.com:8443/a/b",
    "https://[2001:DB8::1]:444": "https://[2001:db8::1]:444",
  };
  for (const [text, kept] of Object.entries(spellings)) assert.equal(parseAddress(text, false), kept);
});

test("plain http is for private addresses alone", () => {
  assert.match(problemOf("http://api.example.com"), /must begin with https:\/\//);
  assert.equal(parseAddress("http://192.168.1.5:11434/", true), "http://192.168.1.5:11434");
  for (const scheme of ["ftp", "file", "javascript", "ws", "data"]) {
    assert.match(problemOf(`${scheme}://api.example.com`, true), /must begin with https/);
  }
});

test("an address that could send a key elsewhere than it seems is refused", () => {
  const tricks = [
    "https://api.openai.com@evil.example",
    "https://user:secret@api.openai.com",
    "https://api.openai.com:443@evil.example/v1",
    "https://evil.example\\@api.openai.com",
    "https:\\\\evil.example",
    "https:/evil.example",
    "https:evil.example",
    "//evil.example",
    "https://evil.example#api.openai.com",
    "https://evil.example?https://api.openai.com",
    "https://evil.example#",
    "https://evil.example?",
    "https://аpi.openai.com", // Cyrillic а
    "https://api。openai。com", // full-width stops
    "https://api.openai.com\u202e",
    "https://api.openai.com\n.evil.example",
    " https://api.openai.com",
    "https://api.openai.com ",
    "https://api.openai.com\t/v1",
    "https://api.openai.com./v1",
    "https://api..openai.com",
    "https://-api.openai.com",
    "https://%61pi.openai.com",
    "https://api.openai.com/v1/../../redirect",
    "https://api.openai.com/./v1",
    "https://api.openai.com/%2e%2e/x",
    "https://api.openai.com/a//b",
    "https://api.openai.com/redirect?to=https://evil.example",
    "https://api.openai.com/a;b",
    "https://api.openai.com:99999",
    "https://api.openai.com:",
    "https://[::1%25eth0]",
    "https://[api.openai.com]",
    "https://",
    "https:///v1",
    "",
    "api.openai.com",
    `https://api.openai.com/${"a".repeat(512)}`,
  ];
  for (const trick of tricks) assert.match(problemOf(trick), /^the base URL /, trick);
});

test("no problem repeats a password that stood in the address", () => {
  assert.doesNotMatch(problemOf("https://user:hunter2@api.openai.com"), /hunter2/);
});

test("numbers that a browser would read as an address are kept as that address", () => {
  assert.equal(parseAddress("https://2130706433", false), "https://127.0.0.1");
  assert.equal(parseAddress("https://0x7f.1", false), "https://127.0.0.1");
});

test("an address with its dialect's version segment means the same as without", () => {
  for (const address of ["https://api.example.com/v1", "https://api.example.com"]) {
    const baseUrl = customBaseUrl(address, ["openai-chat"]);
    assert.equal(baseUrl, "https://api.example.com");
    assert.equal(baseUrl + customPath(baseUrl, "openai-chat"), "https://api.example.com/v1");
  }
  assert.equal(customBaseUrl("https://openrouter.ai/api", ["openai-chat"]), "https://openrouter.ai/api");
  assert.equal(
    customBaseUrl("https://openrouter.ai/api/v1", ["openai-chat", "anthropic-messages"]),
    "https://openrouter.ai/api",
  );
  assert.equal(customBaseUrl("https://api.example.com/xv1", ["openai-chat"]), "https://api.example.com/xv1");
});

test("an address that ends in another version keeps it, and no second one is added", () => {
  for (const address of [
    "https://api.z.ai/api/paas/v4",
    "https://api.example.com/v2beta",
    "https://api.example.com/v4/v1",
  ]) {
    const baseUrl = customBaseUrl(address, ["openai-chat"]);
    assert.equal(baseUrl + customPath(baseUrl, "openai-chat"), address);
    assert.equal(customBaseUrl(baseUrl, ["openai-chat"]), baseUrl);
  }
});

test("of several endings the longest is taken off, and none from the host", () => {
  assert.equal(withoutEnding("https://a.example/anthropic/v1", ["/v1", "/anthropic/v1"]), "https://a.example");
  assert.equal(withoutEnding("https://a.example/x", ["/v1", ""]), "https://a.example/x");
  assert.equal(withoutEnding("https://v1", ["/v1"]), "https://v1");
});

test("an address tells the dialect it is likely to speak", () => {
  assert.equal(guessDialect("https://api.anthropic.com"), "anthropic-messages");
  assert.equal(guessDialect("https://api.example.com/anthropic"), "anthropic-messages");
  assert.equal(guessDialect("https://api.example.com/openai"), "openai-chat");
  assert.equal(guessDialect("https://anthropic.example.com"), "openai-chat");
  assert.equal(guessDialect("https://generativelanguage.googleapis.com/v1beta"), "gemini");
  assert.equal(guessDialect("https://generativelanguage.googleapis.com/v1beta/openai"), "openai-chat");
});

test("an origin always names its port", () => {
  assert.equal(originOf("https://api.groq.com/openai"), "https://api.groq.com:443");
  assert.equal(originOf("http://127.0.0.1:11434"), "http://127.0.0.1:11434");
  assert.equal(originOf("http://box"), "http://box:80");
  assert.equal(originOf("https://[::1]:8443/x"), "https://[::1]:8443");
});
