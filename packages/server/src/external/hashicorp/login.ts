import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { JsonBody } from "../encoding.ts";
import { parsedReply, statusFailure } from "../failure.ts";
import { heldSecret, readHeldSecret } from "../held-file.ts";
import type { HttpReply } from "../http.ts";
import { at, numberAt, textAt } from "../json-path.ts";
import type { HashicorpSend } from "./client.ts";
import type { HashicorpAuth } from "./options.ts";

/** A token as the server granted it. */
export interface Grant {
  readonly token: Secret;
  /** `undefined`: it does not end, or the server does not tell. */
  readonly lifeMs: number | undefined;
  readonly renewable: boolean;
}

export interface Logins {
  login(): Promise<Grant>;
  renew(token: Secret): Promise<Grant>;
}

export function createLogins(send: HashicorpSend, host: string, auth: HashicorpAuth): Logins {
  /** Learns how long a token that was given lives. One that may not look itself up is used as it is. */
  async function adopt(token: Secret): Promise<Grant> {
    const asked = { host, what: "`auth/token/lookup-self`" };
    const reply = await send("GET", "auth/token/lookup-self", { "x-vault-token": token }, undefined);
    if (reply.status === 403) return { token, lifeMs: undefined, renewable: false };
    if (reply.status !== 200) throw statusFailure(asked, reply);
    const data = at(parsedReply(asked, reply), "data");
    return { token, lifeMs: lifeOf(numberAt(data, "ttl")), renewable: at(data, "renewable") === true };
  }

  return {
    async login() {
      if (auth.method === "token") return adopt(await heldSecret(auth.token));
      const path = `auth/${auth.mount ?? auth.method}/login`;
      return granted({ host, what: `\`${path}\`` }, await send("POST", path, {}, await loginBody(auth)));
    },
    async renew(token) {
      const path = "auth/token/renew-self";
      return granted({ host, what: `\`${path}\`` }, await send("POST", path, { "x-vault-token": token }, {}));
    },
  };
}

function granted(asked: { readonly host: string; readonly what: string }, reply: HttpReply): Grant {
  if (reply.status !== 200) throw statusFailure(asked, reply);
  const auth = at(parsedReply(asked, reply), "auth");
  const token = textAt(auth, "client_token");
  if (token === undefined) throw new AppError("external_unreadable", { ...asked, problem: "there is no token in it" });
  return {
    token: new Secret(token),
    lifeMs: lifeOf(numberAt(auth, "lease_duration")),
    renewable: at(auth, "renewable") === true,
  };
}

function lifeOf(seconds: number | undefined): number | undefined {
  return seconds === undefined || seconds <= 0 ? undefined : seconds * 1_000;
}

const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

async function loginBody(auth: Exclude<HashicorpAuth, { method: "token" }>): Promise<JsonBody> {
  if (auth.method === "approle") return { role_id: auth.roleId, secret_id: await heldSecret(auth.secretId) };
  return { role: auth.role, jwt: await readHeldSecret(auth.jwt?.file ?? serviceAccountToken) };
}
