import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { AppError } from "../../kernel/errors.ts";
import { createTranslator } from "./translator.ts";

const translator = createTranslator();
after(() => translator.close());

function conversation(sizeBytes: number): Buffer {
  return Buffer.from(JSON.stringify({ messages: [{ role: "user", content: "x".repeat(sizeBytes) }] }));
}

/** A conversation that is about so large, in another thread. */
async function unsealed(sizeBytes: number, asked = translator) {
  return await asked.request("unsealed", { body: conversation(sizeBytes), dialect: "anthropic-messages" });
}

test("what is small is translated here and now, what is large in another thread", async () => {
  const request = (sizeBytes: number) =>
    translator.request("unsealed", { body: conversation(sizeBytes), dialect: "anthropic-messages" });
  assert.ok(!(request(1_000) instanceof Promise));
  const found = request(300_000);
  assert.ok(found instanceof Promise);
  assert.equal(JSON.parse(Buffer.from((await found).body).toString()).messages[0].content.length, 300_000);
});

test("of what waits for the thread, the least is next", async () => {
  const order: number[] = [];
  const sizes = [2_000_000, 6_000_000, 300_000, 4_000_000, 500_000];
  await Promise.all(sizes.map(async (size) => order.push((await unsealed(size), size))));
  assert.deepEqual(order, [2_000_000, 300_000, 500_000, 4_000_000, 6_000_000]);
});

test("what cannot be translated is refused alone, in the words that it would be refused with here", async () => {
  const filler = "x".repeat(300_000);
  const broken = Buffer.from(JSON.stringify({ model: "m", images: filler }));
  const image = async () => await translator.request("image", { body: broken, model: "m" });
  const [refused, made] = await Promise.allSettled([image(), unsealed(300_000)]);
  assert.equal(refused.status === "rejected" && (refused.reason as AppError).code, "missing_field");
  assert.equal(made.status, "fulfilled");
});

test("what the thread dies of fails alone, and the next goes on in another", async () => {
  const dying = `import { parentPort } from "node:worker_threads";
    parentPort.on("message", ({ job: { body } }) => {
      if (body.length > 800_000) process.exit(1);
      if (body.length > 600_000) throw new Error("no more memory");
      parentPort.postMessage({ result: { body } });
    });`;
  const translator = createTranslator(new URL(`data:text/javascript,${encodeURIComponent(dying)}`));
  const jobs = [400_000, 700_000, 900_000, 300_000, 1_000_000].map((size) => unsealed(size, translator));
  const ends = await Promise.allSettled(jobs);
  const codes = ends.map((end) => (end.status === "rejected" ? (end.reason as AppError).code : "made"));
  assert.deepEqual(codes, ["made", "internal", "internal", "made", "internal"]);
  await translator.close();
});

test("what cannot be given to the thread fails alone", async () => {
  const odd = { body: Buffer.alloc(400_000), dialect: (() => "gemini") as unknown as "gemini" };
  const given = async () => await translator.request("unsealed", odd);
  const ends = await Promise.allSettled([unsealed(500_000), given(), unsealed(300_000)]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  await assert.rejects(given(), { code: "internal" });
});

test("a translator that is closed leaves nobody waiting", async () => {
  const closing = createTranslator();
  const jobs = [2_000_000, 3_000_000, 300_000].map((size) => unsealed(size, closing));
  await closing.close();
  for (const each of await Promise.allSettled(jobs)) {
    assert.equal(each.status === "rejected" && (each.reason as AppError).code, "internal");
  }
});
