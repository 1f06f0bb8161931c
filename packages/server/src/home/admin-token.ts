import { randomFillSync } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import { base32 } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import type { Home, HomePath } from "./directory.ts";
import { quoted } from "./ownership.ts";
import { createPrivateFile, readPrivateFile } from "./private-file.ts";

const fileName = "admin.token";
const acceptable = /^[\x21-\x7e]{8,512}$/;

/**
 * The token with which the CLI on this machine administers the gateway, kept in `admin.token`.
 *
 * The first start creates it: `pca_` and 52 base32 characters (32 random bytes), or the `wanted` value (of
 * PORTCULLIS_ADMIN_TOKEN; 8 to 512 visible ASCII characters, else `config_invalid`). From then on the file alone
 * counts: a `wanted` value left in the environment neither changes nor adds a token. To change it, remove the file.
 */
export async function openAdminToken(home: Home, wanted?: Secret): Promise<{ token: Secret; created: boolean }> {
  const existing = await readAdminToken(home);
  if (existing !== undefined) return { token: existing, created: false };
  const token = wanted ?? randomToken();
  if (!acceptable.test(token.reveal())) {
    const problem = "the admin token must be 8 to 512 characters, without spaces or special letters";
    const advice = "set PORTCULLIS_ADMIN_TOKEN to such a value, or leave it unset for a random one";
    throw new AppError("config_invalid", { problem, advice });
  }
  await createPrivateFile(home.file(fileName), Buffer.from(`${token.reveal()}\n`, "latin1"));
  return { token, created: true };
}

/** The token of a home that may be in use by another process; `undefined` before the first start. */
export async function readAdminToken(home: HomePath): Promise<Secret | undefined> {
  const path = home.file(fileName);
  const bytes = await readPrivateFile(path);
  if (bytes === undefined) return undefined;
  const text = bytes.toString("latin1").replace(/\r?\n$/, "");
  if (!acceptable.test(text)) {
    const fix = `remove it, and the next start makes a new one: rm ${quoted(path)}`;
    throw new AppError("file_unsafe", { path, problem: "does not hold an admin token", fix });
  }
  return new Secret(text);
}

function randomToken(): Secret {
  return new Secret(`pca_${base32(randomFillSync(Buffer.allocUnsafeSlow(32)))}`);
}
