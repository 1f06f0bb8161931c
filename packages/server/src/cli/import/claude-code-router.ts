import type { ImportItem } from "@portcullis/contract";
import { parseAddress, providerAt, slugOf } from "./address.ts";
import { isFields, lineOf, textOf, textsOf, type Fields } from "./fields.ts";
import { failed, skipped, type Finding, type Left, type ReaderContext } from "./finding.ts";
import { keyOf, type KeyText } from "./key-text.ts";

type Dialect = NonNullable<Extract<ImportItem, { readonly kind: "provider" }>["dialect"]>;

/*
 * claude-code-router's `config.json`: providers with the address of one call, a key and the names of their models. What
 * its transformers do to requests, and its choice of models by kind of work, stay behind; the report names them.
 */

export function isClaudeCodeRouter(content: unknown): content is Fields {
  return isFields(content) && providersOf(content) !== undefined;
}

export function readClaudeCodeRouter(content: unknown, context: ReaderContext): readonly Finding[] {
  if (!isClaudeCodeRouter(content)) return [];
  const providers = providersOf(content) ?? [];
  return [
    ...providers.flatMap((provider, index) => readProvider(provider, `Providers ${index + 1}`, context)),
    ...routerLeft(content["Router"]),
    ...(textOf(content["APIKEY"]) === undefined
      ? []
      : [skipped("APIKEY", "key", "APIKEY", "make keys for callers with `portcullis keys create`")]),
  ];
}

function providersOf(content: Fields): readonly unknown[] | undefined {
  const list = content["Providers"] ?? content["providers"];
  return Array.isArray(list) && list.some((each) => isFields(each) && "api_base_url" in each) ? list : undefined;
}

function readProvider(provider: unknown, place: string, context: ReaderContext): readonly Finding[] {
  if (!isFields(provider)) return [failed(place, "provider", place, "it is no provider")];
  const name = lineOf(provider["name"], 100) ?? place;
  const address = parseAddress(textOf(provider["api_base_url"]) ?? "");
  if (address === undefined) return [failed(place, "provider", name, "its `api_base_url` is not an address")];
  const transformers = transformersOf(provider["transformer"]);
  const unspoken = transformers.find((each) => noCounterpart.has(each));
  if (unspoken !== undefined) {
    return [skipped(place, "provider", name, `what its transformer \`${unspoken}\` speaks is not spoken here`)];
  }
  const id = slugOf(name);
  const where = { provider: id, base_url: address.baseUrl };
  const dialect = dialectOf(transformers, address.dialect);
  const changes = transformers.filter((each) => !Object.hasOwn(dialects, each));
  return [
    { place, item: providerAt(id, name, address.baseUrl, dialect) },
    ...readKey(provider["api_key"], where, place, name, context),
    ...textsOf(provider["models"]).map((model): Finding => ({ place, item: { kind: "model", ...where, name: model } })),
    ...(changes.length === 0 ? [] : [transformersLeft(place, name, changes)]),
  ];
}

function readKey(
  key: unknown,
  where: { readonly provider: string; readonly base_url: string },
  place: string,
  name: string,
  context: ReaderContext,
): readonly Finding[] {
  const found = keyOf(keyText(textOf(key) ?? ""), context);
  if ("problem" in found) return [skipped(place, "credential", name, found.problem)];
  return [{ place, item: { kind: "credential", ...where, ...found, label: "claude-code-router" } }];
}

/** `$NAME` and `${NAME}` stand for a variable. */
function keyText(text: string): KeyText {
  const variable = /^\$(?:(\w+)|\{(\w+)\})$/.exec(text);
  return variable === null ? { value: text } : { variable: variable[1] ?? variable[2] ?? "" };
}

/** Transformers that say which dialect a provider speaks. */
const dialects: Readonly<Record<string, Dialect>> = {
  anthropic: "anthropic-messages",
  gemini: "gemini",
  openai: "openai-chat",
  "openai-response": "openai-responses",
  "openai-responses": "openai-responses",
};

/** Services behind a login of their own. */
const noCounterpart: ReadonlySet<string> = new Set([
  "gemini-cli",
  "qwen-cli",
  "rovo-cli",
  "vertex-gemini",
  "vertex-claude",
]);

function dialectOf(transformers: readonly string[], shown: Dialect | undefined): Dialect {
  const said = transformers.find((each) => Object.hasOwn(dialects, each));
  return (said === undefined ? undefined : dialects[said]) ?? shown ?? "openai-chat";
}

/** The names in `{use: ["gemini", ["maxtoken", {…}]]}`, in lower case. */
function transformersOf(transformer: unknown): readonly string[] {
  const use: unknown = isFields(transformer) ? transformer["use"] : undefined;
  const list: readonly unknown[] = Array.isArray(use) ? use : [];
  return list.flatMap((each: unknown) => {
    const name: unknown = Array.isArray(each) ? each[0] : each;
    return textOf(name)?.toLowerCase() ?? [];
  });
}

function transformersLeft(place: string, name: string, transformers: readonly string[]): Left {
  const named = transformers.map((each) => lineOf(each, 40)).join(", ");
  return skipped(place, "transformer", name, `changes to requests (${named}) are not imported`);
}

function routerLeft(router: unknown): readonly Left[] {
  if (!isFields(router)) return [];
  return Object.entries(router)
    .filter(([, target]) => typeof target === "string" && target !== "")
    .map(([use, target]) =>
      skipped("Router", "route", `${lineOf(use) ?? ""} → ${lineOf(target) ?? ""}`, "routes are not imported"),
    );
}
