import { AppError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { Provider, Providers } from "../../providers/index.ts";

/** The provider's key as one exchange uses it. */
export interface UsedCredential {
  /** Empty for an engine that takes no key. */
  readonly id: string;
  readonly secret: Secret | undefined;
  /** The bytes with the key, should it stand in them, blotted out. */
  mask(body: Buffer): Buffer;
}

const blot = Buffer.from("[redacted]");

/** Chooses and opens a key for the provider. Throws `no_credential`, `vault_sealed`, `vault_record_unreadable`. */
export async function openCredential(
  provider: Provider,
  credentials: Providers["credentials"],
): Promise<UsedCredential> {
  const chosen = credentials.choose(provider.id);
  if (chosen === undefined) {
    if (provider.needsKey) throw new AppError("no_credential", { provider: provider.id });
    return { id: "", secret: undefined, mask: (body) => body };
  }
  const secret = credentials.cached(chosen, provider.origin) ?? (await credentials.open(chosen, provider.origin));
  return { id: chosen.id, secret, mask: (body) => mask(body, secret) };
}

function mask(body: Buffer, secret: Secret): Buffer {
  const key = Buffer.from(secret.reveal());
  let found = body.indexOf(key);
  if (found === -1) return body;
  const parts: Buffer[] = [];
  let from = 0;
  for (; found !== -1; found = body.indexOf(key, from)) {
    parts.push(body.subarray(from, found), blot);
    from = found + key.length;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}
