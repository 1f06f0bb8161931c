import type { endpoints, HandlersOf } from "@portcullis/contract";
import { Secret } from "../../kernel/secret.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";

export function backupHandlers({ makeBackup }: AdminParts): HandlersOf<(typeof endpoints)["backups"], Call> {
  return {
    make: async ({ input: { recipients = [], passphrase } }) =>
      makeBackup(passphrase === undefined ? { recipients } : { passphrase: new Secret(passphrase) }),
  };
}
