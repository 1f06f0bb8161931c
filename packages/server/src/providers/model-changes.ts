import type { Transaction } from "kysely";
import { encodePrice, findModel, type ModelPrice } from "../catalog/index.ts";
import { isUniqueViolation, type Db, type Tables } from "../db/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import { isModelId, parseName } from "./names.ts";
import { fromModelRow, merge, type ModelRow, type OwnModels, type ProviderModel } from "./provider-model.ts";
import type { Declared, LiveSet } from "./live-set.ts";

export interface ModelsParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly live: Pick<LiveSet, "get" | "require">;
  readonly declared: Declared;
}

export interface NewModel {
  readonly model: string;
  readonly name?: string | undefined;
  readonly price?: ModelPrice | undefined;
  readonly contextTokens?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
}

export function createModelChanges(
  { db, clock, live }: Omit<ModelsParts, "declared">,
  own: () => OwnModels,
  refresh: () => Promise<void>,
) {
  return {
    /** Throws `not_found`, `invalid_request` or `model_exists`. */
    add: async (providerId: string, asked: NewModel): Promise<ProviderModel> => {
      live.require(providerId);
      const row = newRow(providerId, parseModel(asked), "custom", clock.now());
      const exists = { provider: providerId, model: row.model };
      if (own().get(providerId)?.get(row.model)?.source === "declared") throw new AppError("model_exists", exists);
      try {
        await db.kysely.transaction().execute(async (transaction) => {
          await deleteRefreshed(transaction, { provider_id: providerId, model: row.model });
          await transaction.insertInto("provider_models").values(row).execute();
        });
      } catch (error) {
        throw isUniqueViolation(error) ? new AppError("model_exists", exists, { cause: error }) : error;
      }
      await refresh();
      return merge(fromModelRow(row), findModel(providerId, row.model));
    },

    /**
     * Takes the id of a `ProviderModel`. Throws `not_found`, `model_predefined` for one of the catalog, and
     * `provider_declared` for one of the file.
     */
    remove: async (id: string): Promise<void> => {
      const known = [...own().values()].flatMap((models) => [...models.values()]).find((model) => model.id === id);
      if (known?.source === "declared") {
        const file = live.get(known.provider)?.declaredIn ?? "";
        throw new AppError("provider_declared", { id, file });
      }
      if (known === undefined) throw missing(id);
      await db.kysely.deleteFrom("provider_models").where("id", "=", id).execute();
      await refresh();
    },

    /**
     * Keeps the models that a provider itself listed, in the place of those it listed before; what the user added
     * stays as it is. Ids that no request could name are left out.
     */
    replaceRefreshed: async (providerId: string, models: readonly string[]): Promise<void> => {
      live.require(providerId);
      await db.kysely.transaction().execute(async (transaction) => {
        await deleteRefreshed(transaction, { provider_id: providerId });
        const table = transaction.selectFrom("provider_models").where("provider_id", "=", providerId);
        const custom = new Set((await table.select("model").execute()).map((row) => row.model));
        const listed = [...new Set(models)].filter((model) => isModelId(model) && !custom.has(model));
        const added = listed.map((model) => newRow(providerId, { model }, "refreshed", clock.now()));
        for (let index = 0; index < added.length; index += rowsPerInsert) {
          const chunk = added.slice(index, index + rowsPerInsert);
          await transaction.insertInto("provider_models").values(chunk).execute();
        }
      });
      await refresh();
    },

    removeAll: async (providerId: string): Promise<void> => {
      await db.kysely.deleteFrom("provider_models").where("provider_id", "=", providerId).execute();
      await refresh();
    },
  };
}

const rowsPerInsert = 200;

async function deleteRefreshed(
  transaction: Transaction<Tables>,
  which: { readonly provider_id: string; readonly model?: string },
): Promise<void> {
  const query = transaction.deleteFrom("provider_models").where("source", "=", "refreshed");
  await query.where((row) => row.and(which)).execute();
}

function newRow(providerId: string, model: NewModel, source: ModelRow["source"], now: number): ModelRow {
  return {
    id: newId("mod", now),
    provider_id: providerId,
    model: model.model,
    display_name: model.name ?? model.model,
    price: model.price === undefined ? null : JSON.stringify(encodePrice(model.price)),
    context_tokens: model.contextTokens ?? null,
    max_output_tokens: model.maxOutputTokens ?? null,
    source,
    created_at: now,
  };
}

function missing(id: string): AppError {
  const [provider = "", ...model] = id.split("/");
  const inCatalog = findModel(provider, model.join("/")) !== undefined;
  return inCatalog ? new AppError("model_predefined", { model: id }) : new AppError("not_found", { what: "model", id });
}

/** Throws `invalid_request`. */
export function parseModel(asked: NewModel): NewModel {
  if (!isModelId(asked.model)) {
    throw new AppError("invalid_request", { problem: "a model's name is 1 to 256 printable ASCII characters" });
  }
  if (asked.price !== undefined && !isPrice(asked.price)) {
    throw new AppError("invalid_request", { problem: "a price is a whole number of micro-dollars per million tokens" });
  }
  for (const size of [asked.contextTokens, asked.maxOutputTokens]) {
    if (size === undefined || (Number.isSafeInteger(size) && size > 0)) continue;
    throw new AppError("invalid_request", { problem: "the limits of a model are whole numbers of tokens above zero" });
  }
  return { ...asked, name: asked.name === undefined ? undefined : parseName(asked.name) };
}

/** A dollar per token. */
const highestPrice = 1_000_000_000_000;

function isPrice({ tiers = [], units = {}, ...base }: ModelPrice): boolean {
  const isRate = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= highestPrice;
  return [base, units, ...tiers].every((rates) => Object.values(rates).every(isRate));
}
