import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { accessTokenIn, type AccessToken } from "../bearer-client.ts";
import { formBytes } from "../encoding.ts";
import { readHeldText } from "../held-file.ts";
import type { HttpCaller } from "../http.ts";
import { textAt } from "../json-path.ts";

/** What the key file of a service account says. */
export interface ServiceAccount {
  readonly email: string;
  readonly keyId: string | undefined;
  readonly key: KeyObject;
  readonly tokenUrl: string;
  readonly project: string | undefined;
}

/** Throws `file_failed`, and `external_unconfigured` if it is no such file. */
export async function readServiceAccount(path: string): Promise<ServiceAccount> {
  const file = parsed(await readHeldText(path));
  const email = textAt(file, "client_email");
  const key = keyIn(textAt(file, "private_key"));
  const tokenUrl = textAt(file, "token_uri") ?? "https://oauth2.googleapis.com/token";
  if (textAt(file, "type") !== "service_account" || email === undefined || key === undefined) {
    throw new AppError("external_unconfigured", {
      problem: `${path} is not the key file of a Google service account`,
      advice: "make one in the console, or leave it out where the machine has a service account of its own",
    });
  }
  return { email, key, tokenUrl, keyId: textAt(file, "private_key_id"), project: textAt(file, "project_id") };
}

/** Neither error says why: the parsers' messages quote what they read. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function keyIn(pem: string | undefined): KeyObject | undefined {
  try {
    const key = pem === undefined ? undefined : createPrivateKey(pem);
    return key?.asymmetricKeyType === "rsa" ? key : undefined;
  } catch {
    return undefined;
  }
}

const what = "the token of the service account";

/** Trades a signed claim (RFC 7523) for a token. */
export async function serviceAccountToken(
  http: HttpCaller,
  account: ServiceAccount,
  nowMs: number,
): Promise<AccessToken> {
  const body = formBytes({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: assertion(account, Math.floor(nowMs / 1_000)),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const reply = await http({ url: account.tokenUrl, method: "POST", headers, body, what });
  return accessTokenIn(reply, new URL(account.tokenUrl).host, what);
}

function assertion({ email, keyId, key, tokenUrl }: ServiceAccount, nowSeconds: number): Secret {
  const head = { alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) };
  const scope = "https://www.googleapis.com/auth/cloud-platform";
  const claims = { iss: email, scope, aud: tokenUrl, iat: nowSeconds, exp: nowSeconds + 3_600 };
  const text = [head, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return new Secret(`${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`);
}
