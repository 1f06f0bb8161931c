import type { Shown } from "./house.ts";
import { type Asked, createGemini } from "./gemini.ts";
import { actionPages, modelPage, oneModelPage } from "./gemini-pages.ts";
import type { Page, Vendor } from "./vendor.ts";

/** `/v1beta/models`, `/v1beta/models/{model}`, `/v1beta/models/{model}:{action}` */
const address = /^\/(v1|v1beta)\/models(?:\/(.+))?$/;

/** What Google has at an address. Under `/v1` a list of models is only Google's for who shows a key as Google wants it. */
export function geminiPlace({ path, query, header }: Shown & { readonly path: string }): Page | Vendor | undefined {
  const [, version, encoded = ""] = address.exec(path) ?? [];
  if (version === undefined) return undefined;
  const name = decoded(encoded);
  const colon = name.lastIndexOf(":");
  const at = colon < 0 ? undefined : actionPlace(name.slice(0, colon), name.slice(colon + 1), query);
  if (at !== undefined) return at;
  if (version === "v1" && header("x-goog-api-key") === undefined && !query.has("key")) return undefined;
  return name === "" ? modelPage(query) : oneModelPage(name);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function actionPlace(model: string, action: string, query: URLSearchParams): Page | Vendor | undefined {
  const framing = framingOf(action, query);
  if (framing !== undefined) return createGemini({ model, framing });
  return Object.hasOwn(actionPages, action) ? actionPages[action]?.(model) : undefined;
}

function framingOf(action: string, query: URLSearchParams): Asked["framing"] | undefined {
  if (action === "generateContent") return "whole";
  if (action !== "streamGenerateContent") return undefined;
  return query.get("alt") === "sse" ? "sse" : "array";
}
