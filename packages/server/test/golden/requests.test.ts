import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findModel, traitsOf } from "../../src/catalog/index.ts";
import { type DialectId, translateRequest, type TranslationJob } from "../../src/dialects/index.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { predefinedProviders } from "../../src/providers/index.ts";
import { createSimulator } from "../../src/simulator/index.ts";
import { agrees, type Case, casesOf, dialectIds, filesOf, fixtures, folder, nothingElse, targetsOf } from "./matrix.ts";
import { parsedExactly, parsedFile, readable } from "./matrix.ts";
import { sealKey, withEnvelopes, withoutEnvelopes } from "./sealed-words.ts";

/*
 * Requests of every dialect, as each other one gets them, with what of each is lost. The simulated providers must take all of
 * them. `<case>.with.json` may name the models that are asked, as `provider/model`, the route, and what is remembered.
 */

const cases = casesOf("requests", (from) =>
  readdirSync(join(fixtures, from, "requests")).map((name) => `requests/${name}`),
);
const usualModels = parsedFile(join(folder, "requests/models.json")) as Readonly<Record<DialectId, string>>;
const simulator = createSimulator({ record: false });
let url = "";

before(async () => {
  ({ url } = await simulator.listen());
});
after(() => simulator.close());

const bases: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "/v1",
  gemini: "/v1beta",
  ollama: "/api",
  "openai-chat": "/v1",
  "openai-responses": "/v1",
};
const paths: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "/v1/messages",
  gemini: "/v1beta/models/{model}:generateContent",
  ollama: "/api/chat",
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
};

function jobOf({ from, file, settings }: Case, to: DialectId): TranslationJob {
  const text = withEnvelopes(readFileSync(file, "utf8"));
  const models = { ...usualModels, ...(settings["models"] as Partial<typeof usualModels>) };
  const [provider = "", ...rest] = models[to].split("/");
  const model = rest.join("/");
  const quirks = predefinedProviders.find(({ id }) => id === provider)?.quirks;
  assert.ok(quirks, `${provider} is no provider`);
  const remembered = new Map(Object.entries((settings["remembered"] ?? {}) as object));
  const { stream } = JSON.parse(text) as { readonly stream?: boolean };
  return {
    body: Buffer.from(text),
    from,
    to,
    stream: stream ?? from === "ollama",
    path: String(settings["path"] ?? paths[from]),
    count: false,
    target: {
      provider,
      model,
      traits: traitsOf({ provider, dialect: to, model, catalog: findModel(provider, model) }),
      asksForUsage: quirks.streamUsage === "on_request",
      rules: quirks,
    },
    sealKey,
    remembered,
  };
}

for (const each of cases) {
  for (const to of targetsOf(each)) {
    test(`${each.name}: a request of ${each.from} is, to ${to}, what its golden file says, and taken`, async () => {
      const job = jobOf(each, to);
      const { shown, request } = translated(job);
      agrees(each, `${to}.golden.json`, `${withoutEnvelopes(readable(shown))}\n`);
      if (request === undefined) return;
      const headers = { authorization: "Bearer k", "content-type": "application/json", ...request.headers };
      const body = withoutVendorFields(Buffer.from(request.body).toString("utf8"), job);
      const answer = await fetch(url + bases[to] + request.path, { method: "POST", headers, body });
      const said = await answer.text();
      assert.equal(answer.status, 200, `${to} refuses it: ${said}`);
    });
  }
}

const vendorFields = new Set(["thinking", "enable_thinking", "reasoning", "chat_template_kwargs", "top_k"]);

/** The simulated provider of chats is as strict as OpenAI, and knows nothing of what others have of their own. */
function withoutVendorFields(body: string, { to, target }: TranslationJob): string {
  if (to !== "openai-chat" || target.provider === "openai") return body;
  const fields = Object.entries(JSON.parse(body) as object).filter(([name]) => !vendorFields.has(name));
  return JSON.stringify(Object.fromEntries(fields));
}

interface Outcome {
  readonly shown: unknown;
  readonly request?: ReturnType<typeof translateRequest>;
}

function translated(job: TranslationJob): Outcome {
  try {
    const request = translateRequest(job);
    const losses = request.losses.map(({ kind, path, why }) => `${kind} ${path}: ${why}`);
    const body = parsedExactly(Buffer.from(request.body).toString("utf8"));
    return { shown: { path: request.path, headers: request.headers, losses, body }, request };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { shown: { refused: thrown.code, message: thrown.message } };
  }
}

test("the requests are many, of every dialect, and nothing else lies beside them", () => {
  assert.ok(cases.length >= 40, `${cases.length} cases`);
  for (const from of dialectIds) assert.ok(cases.filter((each) => each.from === from).length >= 6, from);
  const goldens = cases.flatMap((each) => targetsOf(each).map((to) => `${each.from}/${each.name}.${to}.golden.json`));
  assert.equal(new Set(goldens).size, cases.length * 4, "two cases have the same name");
  nothingElse("requests", new Set([...cases.flatMap(filesOf), ...goldens]));
});
