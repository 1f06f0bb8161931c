import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Keys } from "../identity/index.ts";

/** Who acts on the admin plane, as the audit log names it: `admin.token`, `key:…`, `setup-code`. */
export type Actor = string;

export interface Access {
  /** Who the request's token speaks for; `undefined` without a token. Throws `admin_required` for a wrong one. */
  actorOf(request: IncomingMessage): Actor | undefined;
}

/**
 * An admin is whoever holds the content of `admin.token` (which works while the vault is sealed too, or nobody could
 * unseal it over the network) or an admin key.
 */
export function createAccess(adminToken: Secret, keys: Keys): Access {
  const expected = digest(adminToken.reveal());
  return {
    actorOf(request) {
      const text = tokenOf(request);
      if (text === undefined) return undefined;
      if (timingSafeEqual(digest(text), expected)) return "admin.token";
      const caller = keyHolder(keys, text, request.socket.remoteAddress ?? "");
      if (caller.kind !== "admin") throw new AppError("admin_required");
      return `key:${caller.keyId}`;
    },
  };
}

function keyHolder(keys: Keys, text: string, address: string) {
  try {
    return keys.authenticate(text, address);
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_key")
      throw new AppError("admin_required", {}, { cause: error });
    throw error;
  }
}

function tokenOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^bearer +(\S+) *$/i.exec(header)?.[1] ?? "";
  const key = request.headers["x-api-key"];
  return typeof key === "string" ? key : undefined;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
