import { timingSafeEqual } from "node:crypto";
import { textAt } from "../../external/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { parseKey } from "../key-text.ts";
import { keyedUnlocker, type SlotKind, type Unlocker } from "./unlocker.ts";

/*
 * What the unlockers of key management services have in common. The service is asked to encrypt a random 32-byte key, made
 * for this slot alone, and that key wraps the root key here: the service never sees the root key. What it encrypted stands
 * in the slot's parameters, with the name of its key: {"key":"…","ciphertext":"…"}.
 *
 * Only the key that the configuration names is used, whatever the parameters say: they come from the database, and whoever
 * can write there must not choose with which key the vault opens.
 */

export interface RemoteKey {
  readonly kind: SlotKind;
  /** What messages call the service: "AWS KMS". */
  readonly service: string;
  /** The key in the service, as the configuration names it. */
  readonly name: string;
  /** What the service makes of a key (in base64), bound to the slot. */
  encrypt(key: Secret, slotId: string): Promise<string>;
  /** The key in base64; `undefined` if the service says that this was not made by this key for this slot. */
  decrypt(ciphertext: string, slotId: string): Promise<Secret | undefined>;
}

export function remoteKeyUnlocker(remote: RemoteKey): Unlocker {
  const decrypt = async (ciphertext: string, slotId: string): Promise<Buffer | undefined> => {
    const text = await asked(remote, () => remote.decrypt(ciphertext, slotId));
    return text === undefined ? undefined : parseKey(text);
  };
  return keyedUnlocker({
    kind: remote.kind,
    async create(slotId) {
      const key = systemRandom(keySizeBytes);
      let opened: Buffer | undefined;
      try {
        const ciphertext = await asked(remote, () => remote.encrypt(new Secret(key.toString("base64")), slotId));
        opened = await decrypt(ciphertext, slotId); // a slot that may be made but not opened would be of no use
        if (opened === undefined || !timingSafeEqual(opened, key)) {
          throw unavailable(remote, "it does not open again what it encrypted");
        }
        return { params: formatParams(remote.name, ciphertext), key };
      } catch (error) {
        wipe(key);
        throw error;
      } finally {
        wipe(opened);
      }
    },
    async key({ id, params }) {
      const ciphertext = ciphertextIn(params, remote.name);
      return ciphertext === undefined ? undefined : decrypt(ciphertext, id);
    },
    discard: () => Promise.resolve(), // the service keeps nothing of a slot
  });
}

/** The text at this place of a reply; throws `external_unreadable` if there is none. */
export function textIn(reply: unknown, path: readonly string[], { service, what }: { service: string; what: string }) {
  const text = textAt(reply, ...path);
  if (text !== undefined) return text;
  throw new AppError("external_unreadable", {
    host: service,
    what,
    problem: `there is no \`${path.join(".")}\` in it`,
  });
}

async function asked<Answer>(remote: RemoteKey, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.startsWith("external_")) throw error;
    throw unavailable(remote, error.message, error);
  }
}

function unavailable({ service, name }: RemoteKey, problem: string, cause?: AppError): AppError {
  const values = {
    problem: `the key ${name} of ${service} cannot be used: ${problem}`,
    advice:
      cause?.hint ?? "once that is mended, the vault opens by itself, or at once by `portcullis vault unseal --auto`",
  };
  return new AppError("vault_unlocker_unavailable", values, { cause });
}

function formatParams(key: string, ciphertext: string): string {
  return JSON.stringify({ key, ciphertext });
}

/** `undefined` for parameters that were not written here to the letter, or for another key. */
function ciphertextIn(params: string, key: string): string | undefined {
  const ciphertext = /"ciphertext":"([\w+/=:.-]{1,8192})"\}$/.exec(params)?.[1];
  return ciphertext !== undefined && formatParams(key, ciphertext) === params ? ciphertext : undefined;
}
