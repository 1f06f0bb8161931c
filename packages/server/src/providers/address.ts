import type { DialectId } from "../dialects/index.ts";
import { AppError } from "../kernel/errors.ts";

/**
 * A provider's base URL is its address up to, and not including, the version segment that a dialect's paths begin
 * with. An address given with that segment means the same and is kept without it.
 *
 * Keys are sealed to the origin of this address and sent there, so it is read strictly: what a browser would mend
 * or interpret (user names, backslashes, dot segments, look-alike letters) is refused, not repaired.
 */

/** The version segment that the dialect's own paths begin with. */
const versionSegments: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "/v1",
  gemini: "/v1beta",
  ollama: "/api",
  "openai-chat": "/v1",
  "openai-responses": "/v1",
};

/** Another version than the dialect's own at the end of an address, as in `https://api.example.com/paas/v4`. */
const otherVersion = /\/v\d+[a-z0-9]{0,8}$/;

const longestAddress = 512;
const host = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])`;
const addressForm = new RegExp(String.raw`^https?:\/\/${host}(?::\d{1,5})?((?:\/[A-Za-z0-9._~@+:-]+)*)\/*$`, "i");

/**
 * Parses a base URL as a person types it; the result has a lower-case host, no default port and no slash at its end.
 * Throws `invalid_request` with what is wrong with it.
 */
export function parseAddress(text: string, allowPrivate: boolean): string {
  const problem = findProblem(text);
  if (problem !== undefined) throw new AppError("invalid_request", { problem: `the base URL ${problem}` });
  const url = URL.parse(text);
  const segments = addressForm.exec(text)?.[1]?.split("/") ?? [];
  if (url === null || segments.includes("..") || segments.includes(".")) {
    throw new AppError("invalid_request", { problem: "the base URL is not a valid address" });
  }
  if (url.protocol === "http:" && !allowPrivate) {
    throw new AppError("invalid_request", {
      problem:
        "the base URL must begin with https://; http:// is only for engines on your own network (`allow_private`)",
    });
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function findProblem(text: string): string | undefined {
  if (text.length > longestAddress) return `is longer than ${longestAddress} characters`;
  if (/[^\x21-\x7e]/.test(text)) return "holds a space, a control character or a letter beyond ASCII";
  if (!/^https?:\/\//i.test(text)) return "must begin with https://";
  if (/[?#]/.test(text)) return "must not hold a query or a fragment";
  if (text.split("/")[2]?.includes("@")) return "must not hold a user name or password; keys are added as credentials";
  if (!addressForm.test(text)) return "is not a valid address";
  return undefined;
}

/** Takes one of the given endings off an address, the longest that fits. */
export function withoutEnding(address: string, endings: readonly string[]): string {
  const fitting = endings.filter((ending) => ending !== "" && new URL(address).pathname.endsWith(ending));
  const longest = Math.max(0, ...fitting.map((ending) => ending.length));
  return address.slice(0, address.length - longest);
}

/** The base URL of a provider that was not defined by us: without the version segment of its dialects. */
export function customBaseUrl(address: string, dialects: readonly DialectId[]): string {
  const stripped = withoutEnding(
    address,
    dialects.map((dialect) => versionSegments[dialect]),
  );
  return otherVersion.test(stripped) ? address : stripped;
}

/** Where a dialect's paths begin under such a base URL. An address that ends in another version keeps its own. */
export function customPath(baseUrl: string, dialect: DialectId): string {
  return otherVersion.test(baseUrl) ? "" : versionSegments[dialect];
}

/** The dialect that an address speaks, as far as it shows it. */
export function guessDialect(address: string): DialectId {
  const url = new URL(address);
  const words = url.pathname.split("/");
  if (url.hostname === "api.anthropic.com" || words.includes("anthropic")) return "anthropic-messages";
  const isGoogle = url.hostname === "generativelanguage.googleapis.com";
  return isGoogle && !words.includes("openai") ? "gemini" : "openai-chat";
}

/** The origin a key is sealed to, with its port: `https://api.groq.com:443`. */
export function originOf(address: string): string {
  const url = new URL(address);
  const usualPort = url.protocol === "https:" ? "443" : "80";
  return `${url.protocol}//${url.hostname}:${url.port || usualPort}`;
}
