import type { StreamFilter } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { Provider, Providers } from "../../providers/index.ts";
import { createKeyMask, maskCutKey, maskKey } from "./key-mask.ts";

/** The provider's key as one exchange uses it. */
export interface UsedCredential {
  /** Empty for an engine that takes no key. */
  readonly id: string;
  readonly secret: Secret | undefined;
  /** The provider's error, or as much of it as is shown, with the key, should it stand in it, blotted out. */
  maskError(body: Buffer): Buffer;
  /** The same for any reply, whole or a header; and for one that goes on as it comes. */
  maskReply(bytes: Buffer): Buffer;
  replyMask(): StreamFilter | undefined;
  /** The provider has answered, with this status. */
  answered(status: number): void;
}

/** Shorter ones (`none`, `lm-studio`, `not-needed`) are words that may stand in any reply. */
const leastKeyBytes = 16;

/**
 * Chooses and opens a key for the provider, or the one of that id. Throws `no_credential`, `vault_sealed`,
 * `vault_origin_refused`, `vault_record_unreadable`, `key_source_failed`.
 */
export async function openCredential(
  provider: Provider,
  credentials: Providers["credentials"],
  id?: string,
): Promise<UsedCredential> {
  const chosen = id === undefined ? credentials.choose(provider.id) : credentials.find(provider.id, id);
  if (chosen === undefined) {
    const strayed = credentials.strayed(provider.id);
    // What is meant for an engine that wants a key does not go without one to wherever it seems to have moved.
    if (strayed !== undefined) throw new AppError("vault_origin_refused", { id: strayed.id, origin: provider.origin });
    if (provider.needsKey || (id ?? "") !== "") throw new AppError("no_credential", { provider: provider.id });
    return withoutKey;
  }
  const opened = (): Promise<Secret> => credentials.open(chosen, provider.origin).catch(withoutPlace(provider));
  const secret = credentials.cached(chosen, provider.origin) ?? (await opened());
  const known = used.get(secret);
  if (known !== undefined && known.id === chosen.id) return known;
  const credential = usedCredential(chosen.id, secret, credentials);
  used.set(secret, credential);
  return credential;
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

function usedCredential(id: string, secret: Secret, credentials: Providers["credentials"]): UsedCredential {
  const key = Buffer.from(secret.reveal());
  const isWord = key.length < leastKeyBytes;
  return {
    id,
    secret,
    maskError: (body) => maskCutKey(body, key),
    maskReply: (bytes) => (isWord ? bytes : maskKey(bytes, key)),
    replyMask: () => (isWord ? undefined : createKeyMask(key)),
    answered: (status) => credentials.answered(id, secret, status),
  };
}

const withoutKey: UsedCredential = {
  id: "",
  secret: undefined,
  maskError: (body) => body,
  maskReply: (bytes) => bytes,
  replyMask: () => undefined,
  answered: () => undefined,
};
