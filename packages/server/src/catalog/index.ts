export { findModel, modelsNamed, modelsOf, type CatalogModel } from "./models.ts";
export { combinePrices, costOf, decodePrice, encodePrice, type ModelPrice, type PriceJson } from "./prices.ts";
export { traitsOf } from "./traits.ts";
