import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { base64At, dataUrl, fileName, mediaType, sourceOfUrl } from "./media.ts";

const refused = (path: string) => (thrown: unknown) =>
  thrown instanceof AppError && thrown.code === "invalid_request" && thrown.message.startsWith(`\`${path}\` `);

test("a media type is written as it is registered, whatever its spelling (B29)", () => {
  const spellings = ["image/jpg", "IMAGE/JPEG", " image/jpeg ; charset=x", "image/pjpeg"];
  assert.deepEqual(new Set(spellings.map(mediaType)), new Set(["image/jpeg"]));
  assert.equal(mediaType("audio/mp3"), "audio/mpeg");
  assert.equal(mediaType("text/plain; charset=utf-8"), "text/plain");
});

test("a data URL is its bytes and an address stays one (B29)", () => {
  const png = sourceOfUrl("data:image/JPG;name=a;base64,aGk=", "x");
  assert.deepEqual(png, { kind: "base64", mediaType: "image/jpeg", data: "aGk=" });
  assert.equal(png.kind === "base64" && dataUrl(png), "data:image/jpeg;base64,aGk=");
  assert.deepEqual(sourceOfUrl("HTTPS://example.com/a.png", "x"), { kind: "url", url: "HTTPS://example.com/a.png" });
});

test("what is neither is refused where it stands", () => {
  for (const url of ["", "file:///etc/passwd", "data:image/png,hi", "data:image/png;base64,a*b", "javascript:1"]) {
    assert.throws(() => sourceOfUrl(url, "messages[0].image"), refused("messages[0].image"));
  }
});

test("base64 is rewritten as providers want it, and nothing else passes for it", () => {
  assert.equal(base64At("a-_b\nc d==", "x"), "a+/bcd==");
  assert.equal(base64At("", "x"), "");
  for (const text of ["a=b", "é", "====", "a,b"]) assert.throws(() => base64At(text, "x"), refused("x"));
});

test("a file's name ends in what it is, whatever the caller called it", () => {
  assert.equal(fileName("Contract", "application/pdf"), "Contract.pdf");
  assert.equal(fileName("a.PDF", "application/pdf"), "a.PDF");
  assert.equal(fileName(undefined, "application/pdf"), "document.pdf");
  assert.equal(fileName("a.bin", "application/octet-stream"), "a.bin");
});
