import type { HashicorpClient, JsonBody } from "../../external/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { remoteKeyUnlocker, textIn } from "./remote-key.ts";
import type { Unlocker } from "./unlocker.ts";

/*
 * Opens with a key of the Transit engine of HashiCorp Vault or OpenBao, which may be rotated there as one likes. What it
 * encrypts is bound to the slot by associated data, and by the context for keys that are derived from one.
 *
 * A server too old to know associated data (HashiCorp Vault before 1.13) would ignore them, and after its upgrade miss
 * them: so a new slot is made only where decrypting without them fails.
 */

export interface TransitKey {
  readonly client: Pick<HashicorpClient, "call">;
  /** Where the engine is mounted: `transit`. */
  readonly mount: string;
  /** The name of the key in it. */
  readonly key: string;
}

const service = "Transit";

export function transitUnlocker({ client, mount, key }: TransitKey): Unlocker {
  const call = async (verb: "encrypt" | "decrypt", field: string, body: JsonBody): Promise<string> => {
    const path = `${mount}/${verb}/${key}`;
    return textIn(await client.call("POST", path, body), ["data", field], { service, what: path });
  };
  const decrypt = async (ciphertext: string, binding: JsonBody): Promise<Secret | undefined> => {
    try {
      return new Secret(await call("decrypt", "plaintext", { ciphertext, ...binding }));
    } catch (error) {
      if (isRefusedCiphertext(error)) return undefined;
      throw error;
    }
  };
  return remoteKeyUnlocker({
    kind: "transit",
    service,
    name: `${mount}/${key}`,
    async encrypt(plaintext, slotId) {
      const binding = bindingOf(slotId);
      const ciphertext = await call("encrypt", "ciphertext", { plaintext, ...binding });
      if ((await decrypt(ciphertext, { context: binding.context })) === undefined) return ciphertext;
      const problem = "the server does not bind what it encrypts to its associated data";
      const advice = "use HashiCorp Vault 1.13 or newer, or OpenBao, and a key of the type aes256-gcm96";
      throw new AppError("external_unconfigured", { problem, advice });
    },
    decrypt: (ciphertext, slotId) => decrypt(ciphertext, bindingOf(slotId)),
  });
}

function bindingOf(slotId: string) {
  const text = Buffer.from(`portcullis slot ${slotId}`, "utf8").toString("base64");
  return { context: text, associated_data: text };
}

/** Transit answers 400 where the ciphertext, or what it is bound to, is not what this key encrypted. */
function isRefusedCiphertext(error: unknown): boolean {
  return error instanceof AppError && error.code === "external_failed" && error.message.includes("(status 400");
}
