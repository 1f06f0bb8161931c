import type { Clock } from "../../kernel/clock.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { FileHeld } from "../held-file.ts";
import type { HttpLimits } from "../http.ts";
import type { JsonBody } from "../encoding.ts";

/** How a client proves itself to HashiCorp Vault or OpenBao. `mount` is the path of the auth method, if not the usual one. */
export type HashicorpAuth =
  | { readonly method: "token"; readonly token: Secret | FileHeld }
  | {
      readonly method: "approle";
      readonly roleId: string;
      readonly secretId: Secret | FileHeld;
      readonly mount?: string | undefined;
    }
  | {
      readonly method: "kubernetes";
      readonly role: string;
      /** The service account's token, read anew at each login: Kubernetes replaces it. */
      readonly jwt?: FileHeld | undefined;
      readonly mount?: string | undefined;
    };

export interface HashicorpOptions extends HttpLimits {
  /** `https://vault.lan:8200`. Plain http only to an address that is not public. */
  readonly address: string;
  readonly namespace?: string | undefined;
  readonly auth: HashicorpAuth;
  readonly clock: Clock;
}

export interface HashicorpClient {
  /**
   * Calls `/v1/{path}` (`transit/encrypt/name`) and answers with the parsed reply, `undefined` where it is empty. Logs in
   * when needed, and once more if the server answers 403. Throws `external_unreachable`, `external_timeout`,
   * `external_refused`, `external_not_found`, `external_failed`, `external_unreadable`.
   */
  call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: JsonBody): Promise<unknown>;
}
