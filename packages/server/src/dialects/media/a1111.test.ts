import assert from "node:assert/strict";
import { test } from "node:test";
import { noMedia, noTokens } from "../../kernel/tokens.ts";
import { decodeA1111 } from "./a1111-reply.ts";
import { createA1111Reader } from "./a1111-usage.ts";
import { encodeA1111 } from "./a1111.ts";

test("images are counted wherever the reply is cut, and not those of the rest of it", () => {
  const replies = [
    ['{"images":["aGk=","aGk=","aGk="],"parameters":{"styles":["a","b"]},"info":"{\\"images\\":[\\"x\\"]}"}\n', 3],
    ['{"info":"","images" : [ "aGk=" ] }', 1],
    ['{"images":[]}', 0],
    ['{"detail":"Not Found"}', 0],
  ] as const;
  for (const [reply, images] of replies) {
    const bytes = Buffer.from(reply);
    for (let at = 0; at <= bytes.length; at++) {
      const reader = createA1111Reader();
      reader.push(bytes.subarray(0, at));
      reader.push(bytes.subarray(at));
      const tokens = images === 0 ? undefined : { ...noTokens, media: { ...noMedia, images } };
      assert.partialDeepStrictEqual(reader.end(), { complete: true });
      assert.deepEqual(reader.end().tokens, tokens, `${reply} at ${at}`);
    }
    const single = createA1111Reader();
    for (const byte of bytes) single.push(Buffer.from([byte]));
    assert.equal(single.end().tokens?.media?.images ?? 0, images);
  }
  const cut = createA1111Reader();
  cut.push(Buffer.from('{"images":["aGk=","aG'));
  assert.deepEqual([cut.end().complete, cut.end().tokens?.media?.images], [false, 1]);
});

test("a size is what the engine can paint, and what that changes is said", () => {
  const size = (value: unknown) => {
    const { body, losses } = encodeA1111({ prompt: "x", size: value }, "default");
    return [body["width"], body["height"], losses.map(({ path, kind }) => `${path} ${kind}`)];
  };
  assert.deepEqual(size(undefined), [undefined, undefined, []]);
  assert.deepEqual(size("auto"), [undefined, undefined, []]);
  assert.deepEqual(size("1024x1536"), [1024, 1536, []]);
  assert.deepEqual(size("1021x768"), [1016, 768, ["size changed"]]);
  for (const odd of ["0x512", "4096x512", "512", "512x512x3", 512]) assert.throws(() => size(odd), /`size`/);
});

test("a model is known by its file, its title or its hash, and one that is surely another is not taken for it", () => {
  const info = JSON.stringify({ sd_model_name: "sd_xl_base_1.0", sd_model_hash: "31e35c80fc" });
  const painted = (model: string, said: unknown = info) =>
    decodeA1111({ images: ["aGk="], info: said }, { model, count: 1 });
  for (const model of [
    "default",
    "sd_xl_base_1.0",
    "sd_xl_base_1.0.safetensors",
    "xl/sd_xl_base_1.0.safetensors [31e35c80fc]",
    "xl_sd_xl_base_1.0",
    "31e35c80fc",
  ]) {
    assert.ok("images" in painted(model), model);
  }
  assert.partialDeepStrictEqual(painted("v1-5-pruned-emaonly"), { kind: "not_found" });
  for (const unsaid of [null, "", "no JSON", "[]", "{}"]) assert.ok("images" in painted("other", unsaid));
});

test("images are told by how they begin, whatever the engine writes before them, and no more than were asked for", () => {
  const images = ["data:image/webp;base64,UklGRg==", "UklGRg==", "of an extension"];
  const reply = { images, parameters: { width: 512, height: 768 } };
  assert.deepEqual(decodeA1111(reply, { model: "default", count: 2 }), {
    images: ["UklGRg==", "UklGRg=="],
    format: "webp",
    size: "512x768",
  });
  assert.partialDeepStrictEqual(decodeA1111({ images: ["/9j/4A=="] }, { model: "default", count: 1 }), {
    format: "jpeg",
  });
  for (const none of [undefined, null, [], {}, { images: "x" }, { images: [1] }]) {
    assert.partialDeepStrictEqual(decodeA1111(none, { model: "default", count: 1 }), { kind: "broken" });
  }
});
