import type { Selectable } from "kysely";
import { decodePrice, type CatalogModel, type ModelPrice, type PriceJson } from "../catalog/index.ts";
import type { Tables } from "../db/index.ts";

/** A model at a provider: what the catalog says of it, and over that what the user or the provider itself said. */
export interface ProviderModel {
  /** What `remove` takes: `mod_…`, or `provider/model` for one that is only in the catalog or the configuration file. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly name: string;
  readonly source: "catalog" | "custom" | "refreshed" | "declared";
  readonly price: ModelPrice | undefined;
  readonly contextTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** Milliseconds; `undefined` for one that is not in the database. */
  readonly createdAt: number | undefined;
  /** What the catalog knows of it besides: its age, abilities, and the day of the facts. */
  readonly catalog: CatalogModel | undefined;
}

export type ModelRow = Selectable<Tables["provider_models"]>;

/** What is known of a model beyond the catalog. */
export type OwnModel = Omit<ProviderModel, "name" | "catalog"> & { readonly name: string | undefined };

/** By provider, then by model. */
export type OwnModels = ReadonlyMap<string, ReadonlyMap<string, OwnModel>>;

export function fromModelRow(row: ModelRow): OwnModel {
  return {
    id: row.id,
    provider: row.provider_id,
    model: row.model,
    name: row.source === "custom" ? row.display_name : undefined,
    source: row.source,
    price: row.price === null ? undefined : decodePrice(JSON.parse(row.price) as PriceJson), // as `encodePrice` wrote it
    contextTokens: row.context_tokens ?? undefined,
    maxOutputTokens: row.max_output_tokens ?? undefined,
    createdAt: row.created_at,
  };
}

/** `undefined` if neither knows the model. */
export function merge(own: OwnModel, catalog: CatalogModel | undefined): ProviderModel;
export function merge(own: OwnModel | undefined, catalog: CatalogModel | undefined): ProviderModel | undefined;
export function merge(own: OwnModel | undefined, catalog: CatalogModel | undefined): ProviderModel | undefined {
  if (own !== undefined) {
    return {
      ...own,
      name: own.name ?? catalog?.name ?? own.model,
      price: own.price ?? catalog?.price,
      contextTokens: own.contextTokens ?? catalog?.contextTokens,
      maxOutputTokens: own.maxOutputTokens ?? catalog?.maxOutputTokens,
      catalog,
    };
  }
  return catalog && fromCatalog(catalog);
}

function fromCatalog(catalog: CatalogModel): ProviderModel {
  const { provider, id: model, name, price, contextTokens, maxOutputTokens } = catalog;
  const known = { provider, model, name, price, contextTokens, maxOutputTokens, catalog };
  return { ...known, id: `${provider}/${model}`, source: "catalog", createdAt: undefined };
}
