import type { ImportItem } from "@portcullis/contract";

type ProviderItem = Extract<ImportItem, { readonly kind: "provider" }>;
type Dialect = NonNullable<ProviderItem["dialect"]>;

/** What other programs write for an address: often the whole path of one call. */
const callPaths: readonly (readonly [ending: RegExp, dialect: Dialect])[] = [
  [/\/chat\/completions$/, "openai-chat"],
  [/\/completions$/, "openai-chat"],
  [/\/responses$/, "openai-responses"],
  [/\/messages$/, "anthropic-messages"],
  [/(?<=\/v1beta)\/models$/, "gemini"],
  [/\/api\/(?:chat|generate)$/, "ollama"],
];

export interface Address {
  readonly baseUrl: string;
  /** What its path shows; `undefined` if that is nothing. */
  readonly dialect: Dialect | undefined;
}

/** The address of a provider, without the path of a call; `undefined` for what is none. */
export function parseAddress(text: string): Address | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    return undefined;
  const path = url.pathname.replace(/\/+$/, "");
  const call = callPaths.find(([ending]) => ending.test(path));
  return { baseUrl: url.origin + (call === undefined ? path : path.replace(call[0], "")), dialect: call?.[1] };
}

/** A provider of one's own at an address. */
export function providerAt(id: string, name: string | undefined, baseUrl: string, dialect: Dialect): ProviderItem {
  const allow = isPrivate(baseUrl) ? { allow_private: true } : {};
  return { kind: "provider", id, ...(name === undefined ? {} : { name }), base_url: baseUrl, dialect, ...allow };
}

/** A name of a provider from any text. */
export function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 60)
    .replace(/[-_]+$/, "");
  return slug === "" ? "imported" : slug;
}

/** A name from the host of an address: `llm.example.com` → `llm-example-com`. */
export function hostSlug(baseUrl: string): string {
  return slugOf(URL.parse(baseUrl)?.host ?? "");
}

/** An engine on this machine or network, for which the gateway needs leave. */
function isPrivate(baseUrl: string): boolean {
  const url = URL.parse(baseUrl);
  if (url === null) return false;
  if (url.protocol === "http:") return true;
  return /^(?:localhost|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*|\[::1\]|\[f[cd].*)$|\.(?:local|internal|lan)$/.test(
    url.hostname,
  );
}
