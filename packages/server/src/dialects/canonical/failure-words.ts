import { text } from "../counter.ts";
import type { FailureKind, UpstreamFailure } from "./reply.ts";

/*
 * What providers say when they refuse a request, where the status or the type alone does not tell it: most answer a prompt that
 * is too long, and some an empty purse, with a plain 400.
 */

const tooLong: readonly RegExp[] = [
  /prompt is too long/i,
  /(?:maximum|max|longer than the|exceeds? (?:the )?(?:model'?s )?|available|configured|limit of the)[^.]{0,60}context(?: length| window| size)?/i,
  /context[ _-]?(?:length|window|size)[^.]{0,40}(?:exceed|overflow|too (?:long|small|large))/i,
  /(?:exceed|overflow|larger than|greater than|too (?:long|many|large) for)[^.]{0,60}context/i,
  /input token count[^.]{0,40}exceeds/i,
  /(?:input|prompt|request|messages?)[^.]{0,30}(?:is too long|too many tokens|exceeds?[^.]{0,40}(?:token|limit of \d+ token))/i,
  /reduce the length of the (?:messages|prompt|input)/i,
  /model_context_window_exceeded|string_above_max_length_tokens/i,
];

/** A rate of tokens is no length of a prompt, and what is more for those with a key says nothing of a key that was sent. */
const rate = /rate limit|per (?:minute|day|hour|second)|\b(?:tpm|rpm|tpd)\b/i;

/** "You exceeded your current quota" is a rate with Google; where it is an empty purse, a code says so (`insufficient_quota`). */
const noCredit =
  /credit balance is too low|insufficient[ _](?:quota|credits?|balance|funds)|out of credits|billing (?:hard limit|is not active)|payment required|requires? more credits|余额不足/i;

const badKey =
  /(?:invalid|incorrect|expired|revoked|missing|no|not valid)[ _-]?(?:x-)?api[ _-]?key|api[ _-]?key[^.]{0,30}(?:not valid|invalid|expired|not found|missing)|invalid (?:bearer|authentication|access) token|authentication[^.]{0,20}(?:fails|failed)/i;

/** What the words of a refusal tell; undefined where they tell nothing that its status and type do not. */
export function kindOfWords(words: string): "context_too_long" | "credits" | "refused_key" | undefined {
  const seen = words.slice(0, 2_000);
  if (noCredit.test(seen)) return "credits";
  if (rate.test(seen)) return undefined;
  if (badKey.test(seen)) return "refused_key";
  return tooLong.some((pattern) => pattern.test(seen)) ? "context_too_long" : undefined;
}

export function kindOfStatus(status: number): FailureKind {
  const kind = kindByStatus[status];
  if (kind !== undefined) return kind;
  return status >= 400 && status < 500 ? "rejected" : "server";
}

const kindByStatus: Readonly<Record<number, FailureKind>> = {
  401: "refused_key",
  402: "credits",
  403: "forbidden",
  404: "not_found",
  408: "timeout",
  413: "too_large",
  429: "rate_limited",
  502: "server",
  503: "overloaded",
  504: "timeout",
  529: "overloaded",
};

/** The failure; with the two counts, where it is about a prompt that is too long and they stand in the words. */
export function failureOf(kind: FailureKind, status: number, message: string): UpstreamFailure {
  const tokens = kind === "context_too_long" ? countsIn(message) : undefined;
  return tokens === undefined ? { kind, status, message } : { kind, status, message, tokens };
}

/** Of the two largest counts of tokens that are named, the larger was asked for. Nothing smaller is a context. */
const leastContext = 256;

function countsIn(words: string): UpstreamFailure["tokens"] {
  const sum = /\b(\d{1,9}) \+ (\d{1,9}) > (\d{1,9})\b/.exec(words.slice(0, 2_000));
  if (sum !== null) return { asked: Number(sum[1]) + Number(sum[2]), most: Number(sum[3]) };
  const found = words.slice(0, 2_000).matchAll(/(?<![\w.-])\d{1,3}(?:,\d{3})+(?![\w])|(?<![\w.-])\d+(?![\w])/g);
  const counts = [...found].map(([digits]) => Number(digits.replaceAll(",", "")));
  const [asked, most] = [...new Set(counts)]
    .filter((count) => count >= leastContext && count < 1e9)
    .toSorted((one, other) => other - one);
  return asked === undefined || most === undefined ? undefined : { asked, most };
}

/** What an error object says: its `message`, or itself if it is a text; cut to what is worth showing. */
export function failureWords(error: unknown): string {
  const words = typeof error === "string" ? error : (text(error, "message") ?? "");
  return words.slice(0, 2_000);
}
