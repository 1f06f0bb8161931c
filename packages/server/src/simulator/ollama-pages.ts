import { createHash } from "node:crypto";
import type { Failure } from "./failure.ts";
import { commonFailure, refused, typeFailure } from "./ollama-request.ts";
import { tokensOf } from "./reply.ts";
import type { Call, Page } from "./vendor.ts";
import { stringOf } from "./wire.ts";

/** What an engine with two models answers with one document: https://docs.ollama.com/api */
export const ollamaPages: Readonly<Record<string, Page>> = {
  "/api/tags": document(() => ({ models: models.map(({ tag }) => tag) })),
  "/api/ps": document(() => ({ models: [] })),
  "/api/version": document(() => ({ version: "0.40.12" })),
  "/api/show": { house: "ollama", method: "POST", check: showFailure, reply: (call) => JSON.stringify(shown(call)) },
  "/api/embed": { house: "ollama", method: "POST", check: embedFailure, reply: embedded },
  "/api/embeddings": {
    house: "ollama",
    method: "POST",
    check: (call) =>
      commonFailure(call, "EmbeddingRequest") ?? typeFailure({ prompt: "string" }, call.body, "EmbeddingRequest"),
    reply: ({ body }) => JSON.stringify({ embedding: vectorOf(stringOf(body["prompt"]), 8) }),
  },
};

function document(answer: () => object): Page {
  return { house: "ollama", method: "GET", check: () => undefined, reply: () => JSON.stringify(answer()) };
}

const models = [
  model("llama3.2:latest", ["completion", "tools"], "llama", 131_072, "3.2B"),
  model("nomic-embed-text:latest", ["embedding"], "nomic-bert", 2048, "137M"),
];

function model(name: string, capabilities: readonly string[], family: string, context: number, size: string) {
  const details = {
    parent_model: "",
    format: "gguf",
    family,
    families: [family],
    parameter_size: size,
    quantization_level: "Q4_K_M",
  };
  const digest = createHash("sha256").update(name).digest("hex");
  const modified = { modified_at: "2026-10-04T09:12:44.318273645+02:00" };
  return {
    tag: { name, model: name, ...modified, size: 2_019_393_189, digest, details },
    page: {
      license: "a licence",
      modelfile: `FROM ${name}\n`,
      parameters: 'stop    "<|eot_id|>"',
      template: "{{ .Prompt }}",
      details,
      model_info: { "general.architecture": family, [`${family}.context_length`]: context },
      capabilities,
      ...modified,
    },
  };
}

function findModel(body: Call["body"]): (typeof models)[number] | undefined {
  const asked = stringOf(body["model"]) || stringOf(body["name"]);
  return models.find(({ tag }) => tag.name === asked || tag.name === `${asked}:latest`);
}

function showFailure({ body }: Call): Failure | undefined {
  const wrong = typeFailure({ model: "string", name: "string", verbose: "bool" }, body, "ShowRequest");
  if (wrong !== undefined) return wrong;
  if (findModel(body) !== undefined) return undefined;
  return { status: 404, message: `model '${stringOf(body["model"])}' not found` };
}

function shown({ body }: Call): object {
  return findModel(body)?.page ?? {};
}

function embedFailure(call: Call): Failure | undefined {
  const { input } = call.body;
  const isList = Array.isArray(input) && input.every((one) => typeof one === "string");
  const wrong =
    commonFailure(call, "EmbedRequest") ??
    typeFailure({ truncate: "bool", dimensions: "int" }, call.body, "EmbedRequest");
  if (wrong !== undefined) return wrong;
  return typeof input === "string" || isList || input === undefined ? undefined : refused("invalid input type");
}

function embedded({ body }: Call): string {
  const input = typeof body["input"] === "string" ? [body["input"]] : (body["input"] ?? []);
  const texts = Array.isArray(input) ? input.map(stringOf) : [];
  const dimensions = typeof body["dimensions"] === "number" ? body["dimensions"] : 8;
  return JSON.stringify({
    model: body["model"],
    embeddings: texts.map((text) => vectorOf(text, dimensions)),
    total_duration: 14_143_917,
    load_duration: 1_019_500,
    prompt_eval_count: texts.reduce((sum, text) => sum + tokensOf(Buffer.byteLength(text)), 0),
  });
}

/** The same text has the same vector. */
function vectorOf(text: string, dimensions: number): readonly number[] {
  const digest = createHash("sha256").update(text).digest();
  return Array.from({ length: dimensions }, (_, index) => ((digest[index % digest.length] ?? 0) - 127.5) / 1000);
}
