import { BlockList, isIP } from "node:net";
import { isAbsolute } from "node:path";
import * as z from "zod";
import { parseDurationMs } from "../kernel/clock.ts";
import { parseReference } from "../kernel/reference.ts";

// The kinds of value a setting may have. Each carries `expects`: what to write there, in words that
// complete "must be …". Messages, `config explain` and the reference are all made from it.

/** Marks a setting whose value is never shown. */
export const confidential = { confidential: true } as const;

/** Marks a setting that is read at the start only: a reload that changes it is refused. All others are changed live. */
export const restart = { restart: true } as const;

export function wholeNumber(min: number, max: number) {
  return z
    .int()
    .min(min)
    .max(max)
    .meta({ expects: `a whole number from ${min} to ${max}` });
}

/** Text that `accepts` holds true for; `expects` says which text that is, `advice` what to do with other text. */
export function text(accepts: (value: string) => boolean, expects: string, advice?: string) {
  const message = `must be ${expects}${advice === undefined ? "" : `; ${advice}`}`;
  return z.string().refine(accepts, message).meta({ expects });
}

/** A list of texts, each of which `accepts` holds true for. */
export function listOf(accepts: (value: string) => boolean, expects: string, eachExpects: string) {
  return z.array(z.string().refine(accepts, `must be ${eachExpects}`)).meta({ expects: `a list of ${expects}` });
}

/**
 * A duration as people write it, in milliseconds once parsed. The upper bound is never optional: a delay
 * above 2³¹ ms makes a timer of Node fire at once.
 */
export function duration(min: string, max: string) {
  const expects = `a duration from ${min} to ${max}, as a number and a unit (ms, s, m, h, d, w)`;
  const [minMs, maxMs] = [parseDurationMs(min) ?? Number.NaN, parseDurationMs(max) ?? Number.NaN];
  return z
    .string()
    .transform((value, context) => {
      const ms = parseDurationMs(value);
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      context.addIssue({ code: "custom", message: `must be ${expects}` });
      return z.NEVER;
    })
    .meta({ expects });
}

const namePattern = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/** A name without port, scheme or path. */
export function isHostName(value: string): boolean {
  return namePattern.test(value);
}

/** A name, or an address without brackets. */
export function isHost(value: string): boolean {
  return isIP(value) !== 0 || isHostName(value);
}

/** `https://app.example.com`, just as a browser sends it in `Origin`. */
export function isWebOrigin(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value;
}

const baseUrlPattern = /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(\/[a-z0-9._~@+:-]+)*\/*$/i;

/** An http(s) address that means exactly what it says: no user, query, fragment or dot segments. */
export function isBaseUrl(value: string): boolean {
  return value.length <= 512 && baseUrlPattern.test(value) && !/\/\.{1,2}(\/|$)/.test(value) && URL.canParse(value);
}

export function isStorageUrl(value: string): boolean {
  if (value === "sqlite:") return true;
  if (value.startsWith("sqlite:")) return isAbsolute(value.slice("sqlite:".length));
  return /^postgres(ql)?:\/\/\S+$/.test(value) && URL.canParse(value);
}

/**
 * Text that says where a secret lies. The gateway's own variables cannot be sent to a provider by naming them here, and what
 * is named as a variable cannot be a key with `-` or `.` in it: references are shown.
 */
export function isReference(value: string): boolean {
  const parsed = parseReference(value);
  return "kind" in parsed && (parsed.kind !== "env" || /^\w+$/.test(parsed.place));
}

/** The `NAME` of `env:NAME`. */
export function referencedVariable(reference: unknown): string | undefined {
  const parsed = parseReference(typeof reference === "string" ? reference : "");
  return "kind" in parsed && parsed.kind === "env" ? parsed.place : undefined;
}

/** `transit/portcullis`: where the engine is mounted, and the name of the key. */
export function isTransitKey(value: string): boolean {
  return value.length <= 256 && /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)+$/.test(value);
}

/** A key id or an alias of AWS KMS, as a name or as an ARN. */
export function isKmsKey(value: string): boolean {
  const pattern =
    /^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key\/[\w-]{36,64}|alias\/[\w/-]{1,250})|[\w-]{36,64}|alias\/[\w/-]{1,250})$/;
  return pattern.test(value);
}

export function isProviderId(value: string): boolean {
  return /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/.test(value);
}

export function isModelId(value: string): boolean {
  return /^[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?$/.test(value);
}

/** What callers ask for in place of a model. A slash stands between a provider and its model. */
export function isRouteName(value: string): boolean {
  return /^(?!\.)[!-~]{1,200}$/.test(value) && !/[/\\%]/.test(value);
}

/** `provider/model` */
export function isModelAt(value: string): boolean {
  const slash = value.indexOf("/");
  return isProviderId(value.slice(0, Math.max(0, slash))) && isModelId(value.slice(slash + 1));
}

/** A name for people. */
export function isName(value: string): boolean {
  return value.trim() !== "" && value.length <= 100 && !/\p{C}/u.test(value);
}

// Headers that authenticate belong into the vault; those that frame or route a request are the gateway's.
const ownHeaders = new Set(
  "authorization cookie x-api-key api-key x-goog-api-key host connection keep-alive content-length transfer-encoding te trailer upgrade expect".split(
    " ",
  ),
);

export function isHeaderName(value: string): boolean {
  const name = value.toLowerCase();
  return /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name) && !name.startsWith("proxy-") && !ownHeaders.has(name);
}

export function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True only if nothing but this machine can reach the address; any name but `localhost` counts as public. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}
