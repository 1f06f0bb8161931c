import { Secret } from "../../kernel/secret.ts";
import { jsonBytes, type HeaderValues, type JsonBody } from "../encoding.ts";
import { parsedReply, statusFailure } from "../failure.ts";
import { createHttpCaller, requireUrl, type HttpReply, type HttpRequest } from "../http.ts";
import type { HashicorpClient, HashicorpOptions } from "./options.ts";
import { createLogins } from "./login.ts";
import { createSessions } from "./session.ts";

/** Sends one request as it is, with or without a token. */
export type HashicorpSend = (
  method: HttpRequest["method"],
  path: string,
  headers: HeaderValues,
  body: JsonBody | undefined,
) => Promise<HttpReply>;

/** A client of the HTTP API that HashiCorp Vault and OpenBao share. */
export function createHashicorpClient(options: HashicorpOptions): HashicorpClient {
  const http = createHttpCaller(options);
  const { host } = requireUrl(options.address, "the vault");
  const base = `${options.address.replace(/\/+$/, "")}/v1/`;
  const own: HeaderValues = {
    "x-vault-request": "true", // without it, an agent in front may refuse: it is how requests forged by way of a browser are told
    ...(options.namespace === undefined ? {} : { "x-vault-namespace": options.namespace }),
  };

  const send: HashicorpSend = (method, path, headers, body) =>
    http({
      url: base + encodedPath(path),
      method,
      headers: { ...own, ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : jsonBytes(body),
      what: `\`${path}\``,
    });
  const sessions = createSessions(createLogins(send, host, options.auth), options.clock);
  const oneToken = options.auth.method === "token" && options.auth.token instanceof Secret;

  async function attempt(method: HttpRequest["method"], path: string, body: JsonBody | undefined): Promise<HttpReply> {
    const token = await sessions.token();
    const reply = await send(method, path, { "x-vault-token": token }, body);
    if (reply.status !== 403 || oneToken) return reply;
    sessions.drop(token);
    return send(method, path, { "x-vault-token": await sessions.token() }, body);
  }

  return {
    async call(method, path, body) {
      const asked = { host, what: `\`${path}\`` };
      const reply = await attempt(method, path, body);
      if (reply.status < 200 || reply.status > 299) throw statusFailure(asked, reply);
      return parsedReply(asked, reply);
    },
  };
}

/** Each segment as it is sent; one that would climb stays literal. */
function encodedPath(path: string): string {
  const [plain = "", query] = path.split("?", 2);
  const encoded = plain
    .split("/")
    .filter((segment) => segment !== "" && segment !== "." && segment !== "..")
    .map(encodeURIComponent)
    .join("/");
  return query === undefined ? encoded : `${encoded}?${query}`;
}
