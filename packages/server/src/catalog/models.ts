import { readdirSync, readFileSync } from "node:fs";
import { decodePrice, type ModelPrice, type PriceJson } from "./prices.ts";

/** A model as its provider published it on the day `asOf`. Sizes are absent where they are unknown or mean nothing. */
export interface CatalogModel {
  readonly provider: string;
  readonly id: string;
  readonly name: string;
  /** `YYYY-MM-DD`, or `YYYY-MM` where no day was named. */
  readonly released: string;
  readonly status?: "beta" | "deprecated";
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  readonly input: readonly Medium[];
  readonly output: readonly Medium[];
  readonly abilities: readonly Ability[];
  /** Absent where the provider names no price per token. Zero means that the provider gives it away. */
  readonly price?: ModelPrice;
  /** `YYYY-MM-DD` */
  readonly asOf: string;
}

export type Medium = "text" | "image" | "pdf" | "audio" | "video";
export type Ability = "attachment" | "reasoning" | "structured_output" | "temperature" | "tool_call";

/** One file of `data/`. Its shape is held by `catalog.test.ts`, so it is not checked again at run time. */
interface CatalogFile {
  readonly provider: string;
  readonly as_of: string;
  readonly models: readonly {
    readonly id: string;
    readonly name: string;
    readonly released: string;
    readonly status?: "beta" | "deprecated";
    readonly context_tokens?: number;
    readonly max_output_tokens?: number;
    readonly input: readonly Medium[];
    readonly output: readonly Medium[];
    readonly abilities: readonly Ability[];
    readonly price?: PriceJson;
    readonly price_tiers?: NonNullable<PriceJson["tiers"]>;
  }[];
}

type Models = ReadonlyMap<string, CatalogModel>;

// Nothing is read before it is asked for: a gateway with two providers opens two files, and none at start.
const folder = new URL("./data/", import.meta.url);
const noModels: Models = new Map();
const loaded = new Map<string, Models>();
let providers: ReadonlySet<string> | undefined;
let byId: ReadonlyMap<string, readonly CatalogModel[]> | undefined;

/** The models of a provider by id, in the order of their ids; none for a provider that the catalog does not know. */
export function modelsOf(provider: string): Models {
  const known = loaded.get(provider);
  if (known !== undefined) return known;
  if (!providerNames().has(provider)) return noModels;
  const models = load(provider);
  loaded.set(provider, models);
  return models;
}

export function findModel(provider: string, model: string): CatalogModel | undefined {
  return modelsOf(provider).get(model);
}

/** Every provider's model of exactly this id. The first call reads all files (some milliseconds). */
export function modelsNamed(id: string): readonly CatalogModel[] {
  byId ??= Map.groupBy(
    [...providerNames()].flatMap((provider) => [...modelsOf(provider).values()]),
    (model) => model.id,
  );
  return byId.get(id) ?? [];
}

function providerNames(): ReadonlySet<string> {
  providers ??= new Set(readdirSync(folder).map((name) => name.replace(/\.json$/, "")));
  return providers;
}

function load(provider: string): Models {
  const file = JSON.parse(readFileSync(new URL(`${provider}.json`, folder), "utf8")) as CatalogFile;
  const models = file.models.map((model) => decodeModel(file, model));
  return new Map(models.map((model) => [model.id, model]));
}

function decodeModel(file: CatalogFile, model: CatalogFile["models"][number]): CatalogModel {
  const { context_tokens, max_output_tokens, price, price_tiers, ...same } = model;
  return {
    ...same,
    provider: file.provider,
    asOf: file.as_of,
    ...(context_tokens !== undefined && { contextTokens: context_tokens }),
    ...(max_output_tokens !== undefined && { maxOutputTokens: max_output_tokens }),
    ...(price !== undefined && { price: decodePrice({ ...price, tiers: price_tiers }) }),
  };
}
