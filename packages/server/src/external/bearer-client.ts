import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { bearer, type HeaderValues } from "./encoding.ts";
import { parsedReply, statusFailure } from "./failure.ts";
import type { HttpCaller, HttpReply } from "./http.ts";
import { numberAt, textAt } from "./json-path.ts";

/** A token and how long it lives. */
export interface AccessToken {
  readonly token: Secret;
  readonly lifeMs: number;
}

export interface BearerClient {
  /** The parsed reply. Throws the errors of a call, and those of getting a token. */
  get(url: string, what: string, headers?: HeaderValues): Promise<unknown>;
}

/**
 * Calls with a token that is got when needed and kept until a tenth of its life is left; if it cannot be replaced then, it
 * is used to its end. A call that is answered 401 is made once more with another token.
 */
export function createBearerClient(http: HttpCaller, getToken: () => Promise<AccessToken>, clock: Clock): BearerClient {
  let held: (AccessToken & { readonly since: number }) | undefined;
  let under: Promise<Secret> | undefined;
  const lasts = (part: number): boolean => held !== undefined && clock.monotonic() - held.since < held.lifeMs * part;

  async function replace(): Promise<Secret> {
    try {
      held = { ...(await getToken()), since: clock.monotonic() };
    } catch (error) {
      if (held === undefined || !lasts(1)) throw error;
    }
    return held.token;
  }

  async function token(): Promise<Secret> {
    if (held !== undefined && lasts(0.9)) return held.token;
    under ??= replace().finally(() => (under = undefined));
    return under;
  }

  async function send(url: string, what: string, headers: HeaderValues, by: Secret): Promise<HttpReply> {
    return http({ url, method: "GET", headers: { ...headers, authorization: bearer(by) }, what });
  }

  return {
    async get(url, what, headers = {}) {
      const by = await token();
      let reply = await send(url, what, headers, by);
      if (reply.status === 401) {
        if (held?.token === by) held = undefined;
        reply = await send(url, what, headers, await token());
      }
      return successIn(reply, new URL(url).host, what);
    },
  };
}

/** The JSON of a reply with status 200; anything else is an error. */
export function successIn(reply: HttpReply, host: string, what: string): unknown {
  if (reply.status !== 200) throw statusFailure({ host, what }, reply);
  return parsedReply({ host, what }, reply);
}

/** The token in the reply of a token endpoint (RFC 6749, section 5.1). Throws `external_unreadable`. */
export function accessTokenIn(reply: HttpReply, host: string, what: string): AccessToken {
  const parsed = successIn(reply, host, what);
  const [token, seconds] = [textAt(parsed, "access_token"), numberAt(parsed, "expires_in")];
  if (token === undefined || seconds === undefined) {
    throw new AppError("external_unreadable", { host, what, problem: "there is no token with an end in it" });
  }
  return { token: new Secret(token), lifeMs: seconds * 1_000 };
}
