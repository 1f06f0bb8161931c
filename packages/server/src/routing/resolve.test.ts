import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import type { DialectId } from "../dialects/index.ts";
import { Secret } from "../kernel/secret.ts";
import { predefinedProviders } from "../providers/index.ts";
import { openParts } from "../providers/test-parts.ts";
import { createRouting } from "./resolve.ts";
import { createRoutes } from "./routes.ts";
import type { NewRoute } from "./route.ts";
import type { Asked, Target } from "./target.ts";
import { translationNeeded } from "./translation-needed.ts";

// Where requests go does not depend on the engine that the routes are kept in: see routes.test.ts for those.
const [database] = databases;
assert.ok(database);
const parts = await openParts(database);
const keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY"];
const environment = new Map(keys.map((name) => [name, new Secret("sk-0123456789abcdef")]));
const providers = await parts.start({ environment });
for (const id of ["groq", "openrouter"]) await providers.models.add(id, { model: "twice" });
for (const id of ["groq", "anthropic"]) await providers.models.add(id, { model: "either" });
await providers.models.add("anthropic", { model: "only-anthropic" });
await providers.models.add("mistral", { model: "only-anthropic" });

const routes = await createRoutes({ ...parts, providers, declared: { file: "f", routes: [] } });
const translation: { lossy: "allow" | "deny" } = { lossy: "allow" };
const isUsable = ({ id }: { id: string }): boolean => providers.credentials.hasUsable(id);
const routing = createRouting({ providers, isUsable, routes, translation });

const only = async (...wanted: readonly NewRoute[]): Promise<void> => {
  for (const { name } of routes.list()) await routes.remove(name);
  for (const route of wanted) await routes.set(route);
};

const resolve = (model: string, more: Partial<Asked> = {}): Target =>
  routing.resolve({ model, dialect: "openai-chat", thinking: () => assert.fail("nothing depends on it"), ...more });

const place = ({ provider, model }: Target): string => `${provider.id}/${model}`;
const code = (expected: string) => ({ name: "AppError", code: expected });

test("a route wins over a bare model id, and never over `provider/model` or a provider named apart", async () => {
  assert.equal(place(resolve("only-anthropic")), "anthropic/only-anthropic");
  await only({ name: "only-anthropic", target: "groq/llama" }, { name: "*", target: "openai/gpt-5" });
  assert.equal(place(resolve("only-anthropic")), "groq/llama");
  assert.equal(place(resolve("anthropic/only-anthropic")), "anthropic/only-anthropic");
  assert.equal(place(resolve("anthropic/unheard-of")), "anthropic/unheard-of");
  assert.equal(place(resolve("only-anthropic", { provider: "@anthropic" })), "anthropic/only-anthropic");
  assert.equal(place(resolve("nobody/unheard-of")), "openai/gpt-5", "no provider of that name");
  assert.equal(place(resolve("twice")), "openai/gpt-5");
});

test("a target says which route led to it, by which tier, and what may be lost", async () => {
  await only(
    { name: "claude-*", tiers: { reasoning: "openai/gpt-5", completion: "groq/llama", value: "groq/small" } },
    { name: "strict", target: "openai/gpt-5", lossy: "deny" },
  );
  const asked = (model: string, thinking = false) => {
    const { route, tier, lossy, ...target } = resolve(model, { thinking: () => thinking });
    return [place(target as Target), route, tier, lossy];
  };
  assert.deepEqual(asked("claude-opus-4-5[1m]"), ["openai/gpt-5", "claude-*", "reasoning", "allow"]);
  assert.deepEqual(asked("claude-sonnet-4-5"), ["groq/llama", "claude-*", "completion", "allow"]);
  assert.deepEqual(asked("claude-sonnet-4-5", true), ["openai/gpt-5", "claude-*", "reasoning", "allow"]);
  assert.deepEqual(asked("claude-haiku-4-5", true), ["groq/small", "claude-*", "value", "allow"]);
  assert.deepEqual(asked("strict"), ["openai/gpt-5", "strict", null, "deny"]);
  assert.deepEqual(asked("openai/gpt-5"), ["openai/gpt-5", null, null, "allow"]);
  translation.lossy = "deny";
  assert.deepEqual(asked("claude-haiku-4-5"), ["groq/small", "claude-*", "value", "deny"]);
  assert.deepEqual(asked("openai/gpt-5"), ["openai/gpt-5", null, null, "deny"]);
  translation.lossy = "allow";
});

test("a target has the price of its model, and the address, path and key header of its dialect", async () => {
  await only({ name: "house", target: "anthropic/claude-opus-4-5" });
  const { price, origin, pathPrefix, auth, dialect } = resolve("house");
  assert.ok(price);
  assert.deepEqual(
    { origin, pathPrefix, auth, dialect },
    {
      origin: "https://api.anthropic.com",
      pathPrefix: "/v1",
      auth: { scheme: "header", name: "x-api-key" },
      dialect: "anthropic-messages",
    },
  );
  const gemini = resolve("google/gemini-x", { dialect: "anthropic-messages" });
  assert.deepEqual(
    [gemini.dialect, gemini.pathPrefix, gemini.auth],
    ["gemini", "/v1beta", { scheme: "header", name: "x-goog-api-key" }],
  );
  const chat = resolve("google/gemini-x");
  assert.deepEqual([chat.dialect, chat.pathPrefix, chat.auth], ["openai-chat", "/v1beta/openai", { scheme: "bearer" }]);
});

test("each provider is called in the caller's dialect if it takes that, else in the one to translate to", () => {
  const own: Readonly<Record<string, DialectId>> = {
    openai: "openai-responses",
    google: "gemini",
    ollama: "ollama",
    "ollama-cloud": "ollama",
    anthropic: "anthropic-messages",
  };
  for (const { id, dialects } of predefinedProviders) {
    const wanted = own[id] ?? "openai-chat";
    for (const dialect of ["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"] as const) {
      const takes = dialect in dialects;
      assert.equal(resolve(`${id}/m`, { dialect }).dialect, takes ? dialect : wanted, `${id}, asked in ${dialect}`);
    }
  }
});

test("a provider of the user's own is translated to chat if it takes that, else to its first dialect", async () => {
  const make = (id: string, dialects: readonly DialectId[]) =>
    providers.create({ id, baseUrl: "https://a.example", dialects });
  await make("own-chat", ["anthropic-messages", "openai-chat"]);
  await make("own-other", ["openai-responses", "anthropic-messages"]);
  assert.equal(resolve("own-chat/m", { dialect: "gemini" }).dialect, "openai-chat");
  assert.equal(resolve("own-other/m", { dialect: "gemini" }).dialect, "openai-responses");
});

test("of several that serve a bare model, one that takes the dialect is preferred; else the caller has to say which", async () => {
  await only();
  assert.equal(place(resolve("either")), "groq/either");
  assert.equal(place(resolve("either", { dialect: "anthropic-messages" })), "anthropic/either");
  assert.throws(() => resolve("either", { dialect: "gemini" }), code("ambiguous_model"));
  assert.throws(() => resolve("twice"), code("ambiguous_model"));
  assert.equal(place(resolve("twice", { dialect: "anthropic-messages" })), "openrouter/twice", "the one that takes it");
  const alone = resolve("only-anthropic", { dialect: "gemini" });
  assert.deepEqual([place(alone), alone.dialect], ["anthropic/only-anthropic", "anthropic-messages"]);
  assert.throws(() => resolve("unheard-of"), code("model_not_found"));
  assert.throws(() => resolve("x", { provider: "nobody" }), code("invalid_request"));
});

test("a route to a provider that was removed is told as that, with what to type", async () => {
  await providers.create({ id: "brief", baseUrl: "https://a.example" });
  await only({ name: "house", target: "brief/m" }, { name: "*", target: "openai/gpt-5" });
  assert.equal(place(resolve("house")), "brief/m");
  await providers.remove("brief");
  assert.throws(() => resolve("house"), {
    code: "route_broken",
    message: "the route `house` leads to `brief/m`, and there is no provider `brief`",
    hint: "add that provider, or lead the route elsewhere with `portcullis routes set house PROVIDER/MODEL`",
  });
});

test("what is not translated is told with where to send it, and who serves it directly", () => {
  const target = resolve("anthropic/either");
  const error = translationNeeded(target, "openai-chat", { providers, isUsable });
  assert.equal(error.code, "translation_needed");
  assert.equal(error.hint, "send it to /v1/messages, or ask for `groq/either`, which is served directly");
});
