import type { Secret } from "../../kernel/secret.ts";
import { successIn } from "../bearer-client.ts";
import { bearer } from "../encoding.ts";
import { heldSecret, type FileHeld } from "../held-file.ts";
import { createHttpCaller, type HttpLimits } from "../http.ts";

export interface OnePasswordOptions extends HttpLimits {
  /** The address of the Connect server. */
  readonly address: string;
  readonly token: Secret | FileHeld;
}

export interface OnePasswordClient {
  /** Gets `/v1/{path}`. `filter`: in the syntax of the server's lists. Throws the errors of a call. */
  get(path: string, filter?: string): Promise<unknown>;
}

/** A client of a 1Password Connect server. */
export function createOnePasswordClient(options: OnePasswordOptions): OnePasswordClient {
  const http = createHttpCaller(options);
  const base = `${options.address.replace(/\/+$/, "")}/v1/`;
  return {
    async get(path, filter) {
      const query = filter === undefined ? "" : `?${new URLSearchParams({ filter }).toString()}`;
      const what = `\`${path}\``;
      const headers = { authorization: bearer(await heldSecret(options.token)) };
      const reply = await http({ url: `${base}${path}${query}`, method: "GET", headers, what });
      return successIn(reply, new URL(base).host, what);
    },
  };
}
