/**
 * AWS KMS as its API reference documents it: `TrentService.Encrypt` and `Decrypt` in JSON 1.1, with encryption contexts,
 * ciphertexts that name their key, and errors by `__type`. Real AES-GCM.
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { openJsonServer, type JsonAnswer, type JsonRequest, type JsonServer } from "./json-server.ts";

export interface KmsServer extends JsonServer {
  /** Returns its ARN. */
  createKey(alias?: string): string;
  /** An error for every call, or for those of one operation, such as `KMSInternalException`; `undefined` for none. */
  failWith(type: string | undefined, operation?: "Encrypt" | "Decrypt"): void;
}

const prefix = "arn:aws:kms:eu-central-1:111122223333:";

export async function openKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, Buffer>();
  const aliases = new Map<string, string>();
  let failure: { readonly type: string; readonly target: string } | undefined;
  const find = (keyId: unknown): string | undefined => {
    const name = String(keyId);
    return [name, `${prefix}key/${name}`, aliases.get(name.replace(prefix, ""))].find(
      (arn) => arn !== undefined && keys.has(arn),
    );
  };

  function answer({ method, headers, body }: JsonRequest): JsonAnswer {
    const target = String(headers["x-amz-target"]);
    if (failure !== undefined && target.endsWith(failure.target)) return failed(failure.type);
    const scope =
      /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/eu-central-1\/kms\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/;
    if (!scope.test(headers.authorization ?? "")) return failed("MissingAuthenticationTokenException");
    if (method !== "POST" || headers["content-type"] !== "application/x-amz-json-1.1")
      return failed("SerializationException");
    if (target === "TrentService.Encrypt") return encrypt(body);
    return target === "TrentService.Decrypt" ? decrypt(body) : failed("UnknownOperationException");
  }

  function encrypt(body: JsonRequest["body"]): JsonAnswer {
    const arn = find(body["KeyId"]);
    const key = arn && keys.get(arn);
    if (arn === undefined || !key) return failed("NotFoundException");
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(contextBytes(body["EncryptionContext"]));
    const plaintext = Buffer.from(String(body["Plaintext"]), "base64");
    const bytes = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    const blob = Buffer.concat([Buffer.from([arn.length]), Buffer.from(arn), bytes]).toString("base64");
    return { status: 200, body: { CiphertextBlob: blob, KeyId: arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" } };
  }

  function decrypt(body: JsonRequest["body"]): JsonAnswer {
    const blob = Buffer.from(String(body["CiphertextBlob"]), "base64");
    const arn = blob.subarray(1, 1 + (blob[0] ?? 0)).toString();
    const bytes = blob.subarray(1 + (blob[0] ?? 0));
    const key = keys.get(arn);
    if (key === undefined || bytes.length < 28) return failed("InvalidCiphertextException");
    if (body["KeyId"] !== undefined && find(body["KeyId"]) !== arn) return failed("IncorrectKeyException");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12))
      .setAAD(contextBytes(body["EncryptionContext"]))
      .setAuthTag(bytes.subarray(-16));
    try {
      const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      return { status: 200, body: { Plaintext: plaintext.toString("base64"), KeyId: arn } };
    } catch {
      return failed("InvalidCiphertextException");
    }
  }

  const server = await openJsonServer(answer);
  return {
    ...server,
    createKey(alias) {
      const arn = `${prefix}key/${randomUUID()}`;
      keys.set(arn, randomBytes(32));
      if (alias !== undefined) aliases.set(alias, arn);
      return arn;
    },
    failWith(type, operation) {
      failure = type === undefined ? undefined : { type, target: operation ?? "" };
    },
  };
}

/** The order of the pairs does not matter. */
function contextBytes(context: unknown): Buffer {
  const pairs = Object.entries((context ?? {}) as Readonly<Record<string, string>>);
  return Buffer.from(JSON.stringify(pairs.sort(([one], [other]) => (one < other ? -1 : 1))));
}

function failed(type: string): JsonAnswer {
  return { status: 400, body: { __type: type, message: "what KMS says of it" } };
}
