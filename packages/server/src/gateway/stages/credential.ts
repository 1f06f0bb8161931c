import type { StreamFilter } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { authHeaders, type AuthScheme, type Provider, type Providers } from "../../providers/index.ts";
import { createKeyMask, maskCutKey, maskKey, maskKeyInHeaders } from "./key-mask.ts";

/** The provider's key as one exchange uses it. */
export interface UsedCredential {
  /** Empty for an engine that takes no key. */
  readonly id: string;
  readonly secret: Secret | undefined;
  /** The headers that carry the key, names and values in turn. */
  headers(auth: AuthScheme): readonly string[];
  /** The provider's error, or as much of it as is shown, with the key, should it stand in it, blotted out. */
  maskError(body: Buffer): Buffer;
  /** The same for any reply that is whole, for its headers, and for one that goes on as it comes. */
  maskReply(bytes: Buffer): Buffer;
  maskHeaders(headers: readonly string[]): readonly string[];
  replyMask(): StreamFilter | undefined;
  /** The provider has answered, with this status. */
  answered(status: number): void;
}

/** Shorter ones (`none`, `lm-studio`, `not-needed`) are words that may stand in any reply. */
const leastKeyBytes = 16;

/**
 * Chooses and opens a key for the provider, or the one of that id; a promise only where it is not at hand. Throws
 * `no_credential`, `vault_sealed`, `vault_origin_refused`, `vault_record_unreadable`, `key_source_failed`.
 */
export function openCredential(
  provider: Provider,
  credentials: Providers["credentials"],
  id?: string,
): UsedCredential | Promise<UsedCredential> {
  const chosen = id === undefined ? credentials.choose(provider.id) : credentials.find(provider.id, id);
  if (chosen === undefined) {
    const strayed = credentials.strayed(provider.id);
    // What is meant for an engine that wants a key does not go without one to wherever it seems to have moved.
    if (strayed !== undefined) throw new AppError("vault_origin_refused", { id: strayed.id, origin: provider.origin });
    if (provider.needsKey || (id ?? "") !== "") throw new AppError("no_credential", { provider: provider.id });
    return withoutKey;
  }
  const present = credentials.cached(chosen, provider.origin);
  if (present !== undefined) return knownCredential(chosen.id, present, credentials);
  const opened = credentials.open(chosen, provider.origin).catch(withoutPlace(provider));
  return opened.then((secret) => knownCredential(chosen.id, secret, credentials));
}

/** Callers are not told where keys are kept; the log is. */
function withoutPlace({ id }: Provider): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof AppError) || error.code !== "source_failed") throw error;
    throw new AppError("key_source_failed", { provider: id }, { cause: error });
  };
}

/** What is worked out of a key lasts as long as the vault's cache holds it. */
const used = new WeakMap<Secret, UsedCredential>();

function knownCredential(id: string, secret: Secret, credentials: Providers["credentials"]): UsedCredential {
  const known = used.get(secret);
  if (known !== undefined && known.id === id) return known;
  const credential = usedCredential(id, secret, credentials);
  used.set(secret, credential);
  return credential;
}

function usedCredential(id: string, secret: Secret, credentials: Providers["credentials"]): UsedCredential {
  const key = Buffer.from(secret.reveal());
  const keyInHeader = key.toString("latin1");
  const isWord = key.length < leastKeyBytes;
  let latest: { readonly auth: AuthScheme; readonly headers: readonly string[] } | undefined;
  return {
    id,
    secret,
    headers(auth) {
      if (latest?.auth !== auth) latest = { auth, headers: Object.entries(authHeaders(auth, secret)).flat() };
      return latest.headers;
    },
    maskError: (body) => maskCutKey(body, key),
    maskReply: (bytes) => (isWord ? bytes : maskKey(bytes, key)),
    maskHeaders: (headers) => (isWord ? headers : maskKeyInHeaders(headers, keyInHeader)),
    replyMask: () => (isWord ? undefined : createKeyMask(key)),
    answered: (status) => credentials.answered(id, secret, status),
  };
}

const withoutKey: UsedCredential = {
  id: "",
  secret: undefined,
  headers: () => [],
  maskError: (body) => body,
  maskReply: (bytes) => bytes,
  maskHeaders: (headers) => headers,
  replyMask: () => undefined,
  answered: () => undefined,
};
