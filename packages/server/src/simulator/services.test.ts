import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventsOf, keyHeaders, type Reply, started, type Started } from "./test/started.ts";
import type { Script } from "./script.ts";

/* The services beside the chats. Vendors' SDKs talk to them through the gateway in the product's own tests. */

const boundary = "simulated-form";

function formOf(
  fields: Readonly<Record<string, string>>,
  ...files: readonly (readonly [name: string, type: string])[]
): string {
  const texts = Object.entries(fields).map(([name, value]) => [`name="${name}"`, value] as const);
  const uploads = files.map(([name, type]) => {
    const head = `name="${type.startsWith("image") ? "image" : "file"}"; filename="${name}"\r\ncontent-type: ${type}`;
    return [head, "x".repeat(32_000)] as const;
  });
  const parts = [...texts, ...uploads].map(
    ([head, content]) => `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`,
  );
  return `${parts.join("")}--${boundary}--\r\n`;
}

const formHeaders = { ...keyHeaders, "content-type": `multipart/form-data; boundary=${boundary}` };

function ask({ send }: Started, path: string, body: object | string, script?: Script): Promise<Reply> {
  const headers = typeof body === "string" ? formHeaders : keyHeaders;
  return send({ path: `/v1${path}`, body, headers, ...(script && { script }) });
}

const good = {
  "/embeddings": { model: "m", input: "hello" },
  "/moderations": { model: "m", input: "hello" },
  "/rerank": { model: "m", query: "a", documents: ["a", "b"] },
  "/completions": { model: "m", prompt: "hello" },
  "/images/generations": { model: "m", prompt: "a gate" },
  "/audio/speech": { model: "m", voice: "alloy", input: "hello" },
} as const;
const recording = ["a.mp3", "audio/mpeg"] as const;
const picture = ["a.png", "image/png"] as const;

const refusals: readonly (readonly [path: string, body: object | string, complaint: RegExp])[] = [
  ["/embeddings", { model: "m" }, /'input'/],
  ["/embeddings", { model: "m", input: [] }, /must not be empty/],
  ["/embeddings", { model: "m", input: ["a", 1] }, /Invalid type/],
  ["/embeddings", { model: "m", input: "a", encoding_format: "hex" }, /'float', 'base64'/],
  ["/embeddings", { model: "m", input: "a", dimensions: 0 }, /'dimensions'/],
  ["/embeddings", { input: "a" }, /'model'/],
  ["/embeddings", { ...good["/embeddings"], own: 1 }, /Unknown parameter: 'own'/],
  ["/moderations", { model: "m" }, /'input'/],
  ["/rerank", { model: "m", query: "a", documents: [] }, /'documents'/],
  ["/rerank", { model: "m", documents: ["a"] }, /'query'/],
  ["/completions", { model: "m" }, /'prompt'/],
  ["/completions", { model: "m", messages: [] }, /Unknown parameter/],
  ["/images/generations", { model: "m" }, /'prompt'/],
  ["/images/generations", { ...good["/images/generations"], n: 11 }, /'n'/],
  ["/images/generations", { ...good["/images/generations"], response_format: "url" }, /Unknown parameter/],
  ["/images/edits", formOf({ model: "m", prompt: "a" }), /'image'/],
  ["/images/edits", formOf({ model: "m", prompt: "a" }, ["a.bmp", "image/bmp"]), /unsupported mimetype/],
  ["/audio/speech", { model: "m", input: "a" }, /'voice'/],
  ["/audio/speech", { ...good["/audio/speech"], input: "a".repeat(4097) }, /4096/],
  ["/audio/speech", { ...good["/audio/speech"], response_format: "midi" }, /Supported values/],
  ["/audio/transcriptions", formOf({ model: "m" }), /'file'/],
  ["/audio/transcriptions", formOf({ model: "m", file: "text" }), /a file/],
  ["/audio/transcriptions", formOf({}, recording), /'model'/],
  ["/audio/transcriptions", formOf({ model: "m" }, ["a.txt", "text/plain"]), /Unrecognized file format/],
  ["/audio/transcriptions", formOf({ model: "m", response_format: "pdf" }, recording), /Supported values/],
  ["/audio/translations", formOf({ model: "m", language: "en" }, recording), /Unknown parameter: 'language'/],
  ["/audio/transcriptions", { model: "m" }, /not a form/],
  ["/embeddings", formOf({ model: "m", input: "a" }), /not a JSON object/],
];

for (const [path, body, complaint] of refusals) {
  test(`${path} refuses what its vendor refuses: ${complaint.source}`, async (t) => {
    const reply = await ask(await started(t), path, body);
    assert.equal(reply.status, 400, reply.text());
    assert.match(String(reply.json()["error"]?.["message"]), complaint);
  });
}

describe("a service answers", () => {
  for (const [path, body] of Object.entries(good)) {
    test(`${path}, the same every time`, async (t) => {
      const simulator = await started(t);
      const [first, second] = [await ask(simulator, path, body), await ask(simulator, path, body)];
      assert.equal(first.status, 200, first.text());
      const content = (reply: Reply): string => reply.text().replaceAll(/"(?:id|created)":[^,]+,/g, "");
      assert.equal(content(first), content(second));
    });
  }

  test("with the same vectors in both codings", async (t) => {
    const simulator = await started(t);
    const vectorIn = async (format: string): Promise<unknown> => {
      const reply = await ask(simulator, "/embeddings", {
        ...good["/embeddings"],
        dimensions: 5,
        encoding_format: format,
      });
      return reply.json()["data"]?.[0]?.["embedding"];
    };
    const bytes = Buffer.from(String(await vectorIn("base64")), "base64");
    const numbers = Array.from({ length: 5 }, (_, index) => bytes.readFloatLE(index * 4));
    assert.deepEqual(await vectorIn("float"), numbers);
  });

  test("with the usage that a script wants, or none", async (t) => {
    const simulator = await started(t);
    const usage = async (script: Script): Promise<unknown> =>
      (await ask(simulator, "/images/generations", good["/images/generations"], script)).json()["usage"];
    const stated = (await usage({ usage: { input: 7, output: 9 } })) as { readonly total_tokens: number };
    assert.equal(stated.total_tokens, 16);
    assert.equal(await usage({ omit: ["usage"] }), undefined);
  });

  test("with sound in parts, of the length that a script wants", async (t) => {
    const reply = await ask(await started(t), "/audio/speech", good["/audio/speech"], { textBytes: 1000 });
    assert.equal(reply.headers["content-type"], "audio/mpeg");
    assert.equal(reply.headers["content-length"], undefined);
    assert.equal(reply.body.length, 1000);
  });

  test("with transcripts of what was uploaded, in every format", async (t) => {
    const simulator = await started(t);
    const said = "You are listening to a.mp3, a recording of 32000 bytes.";
    for (const format of ["json", "text", "srt", "verbose_json", "vtt"]) {
      const reply = await ask(
        simulator,
        "/audio/transcriptions",
        formOf({ model: "m", response_format: format }, recording),
      );
      assert.ok(reply.text().includes(said), format);
      assert.match(String(reply.headers["content-type"]), format.endsWith("json") ? /json/ : /^text\/plain/);
    }
  });

  test("in events, broken off by an error where a script wants it", async (t) => {
    const simulator = await started(t);
    const form = formOf({ model: "m", stream: "true" }, recording);
    const names = async (script: Script): Promise<readonly (string | undefined)[]> =>
      eventsOf((await ask(simulator, "/audio/transcriptions", form, script)).text()).map(({ name }) => name);
    const delta = "transcript.text.delta";
    assert.deepEqual(await names({ text: "one two" }), [delta, delta, "transcript.text.done"]);
    assert.deepEqual(await names({ text: "one two", errorAtEvent: 1 }), [delta, "error"]);
    assert.deepEqual(await names({ text: "one two", omit: ["end"] }), [delta, delta]);
  });

  test("with images edited, as many as were asked for", async (t) => {
    const simulator = await started(t);
    const reply = await ask(simulator, "/images/edits", formOf({ model: "m", prompt: "a", n: "2" }, picture, picture));
    assert.equal(reply.json()["data"]?.length, 2);
  });

  test("as Cohere does at Cohere's address", async (t) => {
    const { send } = await started(t);
    const body = { model: "m", query: "a", documents: Array.from({ length: 101 }, () => "a") };
    const reply = await send({ path: "/v2/rerank", body });
    assert.deepEqual(reply.json()["meta"]?.["billed_units"], { search_units: 2 });
    const refused = await send({ path: "/v2/rerank", body: { ...body, query: 1 } });
    assert.deepEqual([refused.status, Object.keys(refused.json())], [400, ["id", "message"]]);
  });
});
