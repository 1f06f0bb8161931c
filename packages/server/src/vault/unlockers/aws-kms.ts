import type { AwsClient } from "../../external/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { remoteKeyUnlocker, textIn } from "./remote-key.ts";
import type { Unlocker } from "./unlocker.ts";

/*
 * Opens with a symmetric key of AWS KMS. What it encrypts is bound to the slot by the encryption context, which the log of
 * KMS shows and its policies can ask for. The key is named in every call, so KMS opens nothing with another.
 */

export interface AwsKmsKey {
  readonly client: Pick<AwsClient, "call">;
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
}

const service = "AWS KMS";

export function awsKmsUnlocker({ client, keyId }: AwsKmsKey): Unlocker {
  return remoteKeyUnlocker({
    kind: "aws-kms",
    service,
    name: keyId,
    async encrypt(plaintext, slotId) {
      const body = { KeyId: keyId, Plaintext: plaintext, EncryptionContext: contextOf(slotId) };
      const reply = await client.call("kms", "TrentService.Encrypt", body);
      return textIn(reply, ["CiphertextBlob"], { service, what: "Encrypt" });
    },
    async decrypt(ciphertext, slotId) {
      const body = { KeyId: keyId, CiphertextBlob: ciphertext, EncryptionContext: contextOf(slotId) };
      try {
        const reply = await client.call("kms", "TrentService.Decrypt", body);
        return new Secret(textIn(reply, ["Plaintext"], { service, what: "Decrypt" }));
      } catch (error) {
        if (isRefusedCiphertext(error)) return undefined;
        throw error;
      }
    },
  });
}

function contextOf(slotId: string) {
  return { application: "portcullis", slot: slotId };
}

function isRefusedCiphertext(error: unknown): boolean {
  return error instanceof AppError && /\b(InvalidCiphertextException|IncorrectKeyException)\b/.test(error.message);
}
