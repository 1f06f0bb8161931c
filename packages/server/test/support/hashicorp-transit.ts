/**
 * The Transit engine as HashiCorp Vault and OpenBao document it: `POST /v1/{mount}/encrypt/{key}` and `decrypt`, with
 * associated data, derived keys, key versions and their errors. Real AES-GCM; keys are made when a test makes them.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { openJsonServer, type JsonAnswer, type JsonRequest, type JsonServer } from "./json-server.ts";

interface TransitKeyState {
  readonly derived: boolean;
  readonly versions: Buffer[];
}

export interface TransitServer extends JsonServer {
  readonly token: string;
  createKey(name: string, options?: { readonly derived?: boolean }): void;
  /** New ciphertexts are of the next version; old ones still open. */
  rotateKey(name: string): void;
  deleteKey(name: string): void;
  /** As before version 1.13: associated data are not known, and so ignored. */
  ignoreAssociatedData(ignored: boolean): void;
  /** Answers everything with this status; `undefined` as it should be. */
  failWith(status: number | undefined): void;
}

export async function openTransitServer({ mount = "transit" } = {}): Promise<TransitServer> {
  const token = `hvs.${randomBytes(12).toString("hex")}`;
  const keys = new Map<string, TransitKeyState>();
  let ignored = false;
  let failure: number | undefined;

  function answer(request: JsonRequest): JsonAnswer {
    if (failure !== undefined) return failed(failure, failure === 503 ? "Vault is sealed" : "internal error");
    if (request.headers["x-vault-token"] !== token) return failed(403, "permission denied");
    if (request.path === "/v1/auth/token/lookup-self") return { status: 200, body: { data: { ttl: 0 } } };
    const [, verb, name = ""] = new RegExp(`^/v1/${mount}/(encrypt|decrypt)/([\\w.-]+)$`).exec(request.path) ?? [];
    if (request.method !== "POST" || verb === undefined) return failed(404, "no handler for route");
    const key = keys.get(name);
    if (key === undefined) return failed(400, "encryption key not found");
    const associated = ignored ? "" : base64(request.body["associated_data"]);
    const context = base64(request.body["context"]);
    if (key.derived && context.length === 0) return failed(400, "missing 'context' for key derivation");
    const bound = { key, associated: Buffer.from(associated), context: Buffer.from(context) };
    return verb === "encrypt" ? encrypt(bound, request.body["plaintext"]) : decrypt(bound, request.body["ciphertext"]);
  }

  const server = await openJsonServer(answer);
  return {
    ...server,
    token,
    createKey: (name, { derived = false } = {}) => void keys.set(name, { derived, versions: [randomBytes(32)] }),
    rotateKey: (name) => void keys.get(name)?.versions.push(randomBytes(32)),
    deleteKey: (name) => void keys.delete(name),
    ignoreAssociatedData(value) {
      ignored = value;
    },
    failWith(status) {
      failure = status;
    },
  };
}

interface Bound {
  readonly key: TransitKeyState;
  readonly associated: Buffer;
  readonly context: Buffer;
}

function encrypt(bound: Bound, plaintext: unknown): JsonAnswer {
  const version = bound.key.versions.length;
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", keyOf(bound, version), nonce).setAAD(bound.associated);
  const bytes = Buffer.concat([nonce, cipher.update(base64(plaintext)), cipher.final(), cipher.getAuthTag()]);
  const ciphertext = `vault:v${version}:${bytes.toString("base64")}`;
  return { status: 200, body: { request_id: "r", lease_id: "", data: { ciphertext, key_version: version } } };
}

function decrypt(bound: Bound, ciphertext: unknown): JsonAnswer {
  const [, version = "", text = ""] = /^vault:v(\d+):(.+)$/.exec(String(ciphertext)) ?? [];
  const bytes = Buffer.from(text, "base64");
  if (bytes.length < 28 || bound.key.versions[Number(version) - 1] === undefined) {
    return failed(400, "invalid ciphertext: could not decode");
  }
  const decipher = createDecipheriv("aes-256-gcm", keyOf(bound, Number(version)), bytes.subarray(0, 12))
    .setAAD(bound.associated)
    .setAuthTag(bytes.subarray(-16));
  try {
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    return { status: 200, body: { data: { plaintext: plaintext.toString("base64") } } };
  } catch {
    return failed(400, "cipher: message authentication failed");
  }
}

function keyOf({ key, context }: Bound, version: number): Buffer {
  const own = key.versions[version - 1] ?? Buffer.alloc(32);
  return key.derived ? Buffer.from(hkdfSync("sha256", own, Buffer.alloc(0), context, 32)) : own;
}

function base64(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : "", "base64");
}

function failed(status: number, error: string): JsonAnswer {
  return { status, body: { errors: [error] } };
}
