import type { ImportItem } from "@portcullis/contract";
import { hostSlug, parseAddress, providerAt, type Address } from "./address.ts";
import { isFields, lineOf, numberOf, textOf, type Fields } from "./fields.ts";
import { failed, skipped, type Finding, type Left, type ReaderContext } from "./finding.ts";
import { splitModel } from "./litellm-vendors.ts";
import { keyOf, type KeyText } from "./key-text.ts";
import { readVariables } from "./variables.ts";
import type { YamlContent } from "./yaml-text.ts";

/*
 * LiteLLM's `config.yaml`. Each entry of `model_list` is a deployment: a provider (by its prefix or its own address), a
 * model there and a key. A model that is called otherwise than at its provider, groups and fallbacks are routes, which
 * are not taken over; the report names each.
 */

interface Config extends ReaderContext {
  /** `credential_list`, by name. */
  readonly credentials: ReadonlyMap<string, Fields>;
}

export function isLitellm(content: unknown): content is Fields {
  return isFields(content) && (Array.isArray(content["model_list"]) || isFields(content["litellm_settings"]));
}

export function readLitellm({ content, lineOf: line }: YamlContent, context: ReaderContext): readonly Finding[] {
  if (!isLitellm(content)) return [];
  const variables = isFields(content["environment_variables"]) ? content["environment_variables"] : {};
  const given = Object.entries(variables).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value]] : [],
  );
  const environment: ReaderContext["environment"] = { ...context.environment, ...Object.fromEntries(given) };
  const config: Config = { ...context, environment, credentials: namedCredentials(content["credential_list"]) };
  const list: readonly unknown[] = Array.isArray(content["model_list"]) ? content["model_list"] : [];
  return [
    ...list.flatMap((entry, index) => {
      const at = line(["model_list", index]);
      return readDeployment(entry, at === undefined ? `model_list ${index + 1}` : `line ${at}`, config);
    }),
    ...readVariables(
      given.map(([name = "", value = ""]) => ({ place: "environment_variables", name, value })),
      config,
      context.keepSecrets ? "keepLikely" : "mention",
    ),
    ...leftSettings(content),
  ];
}

function readDeployment(entry: unknown, place: string, config: Config): readonly Finding[] {
  const own = isFields(entry) && isFields(entry["litellm_params"]) ? entry["litellm_params"] : undefined;
  const asked = textOf(own?.["model"]);
  if (!isFields(entry) || own === undefined || asked === undefined) {
    return [failed(place, "model", place, "it has no `litellm_params` with a `model`")];
  }
  const params = { ...own, ...config.credentials.get(textOf(own["litellm_credential_name"]) ?? "") };
  const alias = lineOf(entry["model_name"]);
  const target = locate(asked, params, config);
  if ("problem" in target) return [skipped(place, "model", alias ?? asked, target.problem)];
  const { where, provider, model } = target;
  return [
    ...(provider === undefined ? [] : [{ place, item: provider }]),
    ...readKey(params, where, place, config),
    ...readModel(model, params, entry, where, place),
    ...aliasLeft(alias, model, asked, place),
  ];
}

interface Located {
  readonly where: Where;
  /** One of the operator's own, with its address. */
  readonly provider: ImportItem | undefined;
  readonly model: string;
}

function locate(asked: string, params: Fields, config: Config): Located | { readonly problem: string } {
  const target = splitModel(asked, textOf(params["custom_llm_provider"]));
  if ("problem" in target) return target;
  const { id, model, prefix } = target;
  const at = addressOf(params, config);
  if (at === undefined) {
    if (id === undefined) return { problem: `it does not say at which address \`${prefix}\` is` };
    return { where: { provider: id }, provider: undefined, model };
  }
  if ("problem" in at) return at;
  const where = { provider: hostSlug(at.baseUrl), base_url: at.baseUrl };
  const provider = providerAt(where.provider, undefined, at.baseUrl, at.dialect ?? target.dialect);
  return { where, provider, model };
}

interface Where {
  readonly provider: string;
  readonly base_url?: string;
}

function readKey(params: Fields, where: Where, place: string, config: Config): readonly Finding[] {
  const text = textOf(params["api_key"]);
  if (text === undefined) return [];
  const key = keyOf(keyText(text), config);
  if ("problem" in key) return [skipped(place, "credential", where.provider, key.problem)];
  return [{ place, item: { kind: "credential", ...where, ...key, label: "litellm" } }];
}

function readModel(name: string, params: Fields, entry: Fields, where: Where, place: string): readonly Finding[] {
  if (name.includes("*")) return []; // all models of a provider, which a provider here has anyway
  const info = isFields(entry["model_info"]) ? entry["model_info"] : {};
  const number = (field: string): number | undefined => numberOf(params[field]) ?? numberOf(info[field]);
  const size = (field: string): number | undefined => {
    const value = numberOf(info[field]);
    return value !== undefined && Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  const price = {
    input: micros(number("input_cost_per_token")),
    output: micros(number("output_cost_per_token")),
    cache_read: micros(number("cache_read_input_token_cost")),
    cache_write: micros(number("cache_creation_input_token_cost")),
  };
  const item: ImportItem = { kind: "model", ...where, name };
  const limits = { context_tokens: size("max_input_tokens"), max_output_tokens: size("max_output_tokens") };
  const { input, output } = price;
  if (input === undefined || output === undefined) return [{ place, item: { ...item, ...limits } }];
  return [{ place, item: { ...item, ...limits, price_micros_per_mtok: { ...price, input, output } } }];
}

/** Dollars for a token as micro-dollars for a million of them. */
function micros(dollars: number | undefined): number | undefined {
  return dollars === undefined ? undefined : Math.round(dollars * 1e12);
}

function addressOf(params: Fields, { environment }: Config): Address | { readonly problem: string } | undefined {
  const text = textOf(params["api_base"]) ?? textOf(params["base_url"]);
  if (text === undefined) return undefined;
  const key = keyText(text);
  const address = "value" in key ? key.value : environment[key.variable];
  if (address === undefined || address === "") {
    return {
      problem: `its address is in the variable ${"variable" in key ? key.variable : ""}, which is not set here`,
    };
  }
  return parseAddress(address) ?? { problem: "its `api_base` is not an address" };
}

function keyText(text: string): KeyText {
  const variable = /^os\.environ\/(\w+)$/.exec(text)?.[1];
  return variable === undefined ? { value: text } : { variable };
}

function namedCredentials(list: unknown): ReadonlyMap<string, Fields> {
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  return new Map(
    entries.flatMap((entry) => {
      const name = isFields(entry) ? textOf(entry["credential_name"]) : undefined;
      const values = isFields(entry) ? entry["credential_values"] : undefined;
      return name !== undefined && isFields(values) ? [[name, values] as const] : [];
    }),
  );
}

const routesComeLater = "names and groups of one's own are routes, which are not imported";

function aliasLeft(alias: string | undefined, model: string, asked: string, place: string): readonly Left[] {
  if (alias === undefined || alias === model || alias === asked || alias.includes("*")) return [];
  return [skipped(place, "route", `${alias} → ${asked}`, `${routesComeLater}; ask for the model by its own name`)];
}

function leftSettings(content: Fields): readonly Left[] {
  const router = isFields(content["router_settings"]) ? content["router_settings"] : {};
  const settings = isFields(content["litellm_settings"]) ? content["litellm_settings"] : {};
  const fallbacks = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"];
  const groups = isFields(router["model_group_alias"]) ? Object.keys(router["model_group_alias"]) : [];
  return [
    ...groups.map((name) => skipped("router_settings", "route", lineOf(name) ?? "", routesComeLater)),
    ...fallbacks
      .filter((name) => settings[name] !== undefined || router[name] !== undefined)
      .map((name) => skipped("settings", "route", name, routesComeLater)),
    ...(content["general_settings"] === undefined
      ? []
      : [skipped("general_settings", "setting", "general_settings", "settings of the proxy itself are not imported")]),
  ];
}
