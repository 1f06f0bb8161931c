import { createCipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { Decrypter, Encrypter, Recipient } from "age-encryption";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import { unreadable } from "./reader.ts";

/*
 * The file around a backup: the age format (https://age-encryption.org/v1), which any age tool opens. Encryption is
 * authenticated piece by piece and at its end, so a file that was edited or cut off is noticed; but whoever knows a
 * recipient can make a file for it, so a file proves nothing about who made it.
 */

/** Who is to be able to open a backup: the holders of age identities, or whoever knows the passphrase. */
export type Holders = { readonly recipients: readonly string[] } | { readonly passphrase: Secret };

/** What opens one: identities as text (`AGE-SECRET-KEY-1…`), or the passphrase. */
export type Opener = { readonly identities: readonly Secret[] } | { readonly passphrase: Secret };

type ByteStream = ReadableStream<Uint8Array>;

/** 128 MiB and a good half second, as much as a passphrase of the vault costs; any age tool accepts it. */
const scryptLogN = 17;

/** Loaded with the first backup: no start and no other command pays for it. */
const library = () => import("age-encryption");

/** Encrypts as it is read. Throws `invalid_request` for a recipient that is none. */
export async function encrypt(plain: ByteStream, holders: Holders): Promise<ByteStream> {
  const age = await library();
  const encrypter = new age.Encrypter();
  if ("passphrase" in holders) encrypter.addRecipient(passphraseRecipient(holders.passphrase));
  else for (const recipient of holders.recipients) addRecipient(encrypter, recipient);
  return encrypter.encrypt(plain);
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (error) {
    const problem = `\`${recipient}\` is not an age recipient (\`age1…\`)`;
    throw new AppError("invalid_request", { problem }, { cause: error });
  }
}

/**
 * The format's own passphrase recipient, on a thread beside the event loop: the library's would hold up every request for
 * as long as it takes.
 */
function passphraseRecipient(passphrase: Secret): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const labelled = Buffer.concat([Buffer.from("age-encryption.org/v1/scrypt"), salt]);
      const options = { N: 2 ** scryptLogN, r: 8, p: 1, maxmem: 2 ** scryptLogN * 8 * 256 };
      const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt);
      const key = await derive(passphrase.reveal(), labelled, 32, options);
      const cipher = createCipheriv("chacha20-poly1305", key, Buffer.alloc(12), { authTagLength: 16 });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      key.fill(0);
      const { Stanza } = await library();
      return [new Stanza(["scrypt", unpadded(salt), String(scryptLogN)], body)];
    },
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

/** What opens the file that begins like this. Throws `backup_unreadable` if it is not an age file. */
export function openedBy(beginning: Buffer, file: string): "passphrase" | "identity" {
  const kind = /^age-encryption\.org\/v1\n-> (\S+) /.exec(beginning.toString("latin1"))?.[1];
  if (kind !== undefined) return kind === "scrypt" ? "passphrase" : "identity";
  const armored = beginning.subarray(0, 64).toString("latin1").startsWith("-----BEGIN AGE ENCRYPTED FILE-----");
  throw unreadable(
    file,
    armored ? "it is an age file in text form" : "it is not an age file",
    armored
      ? "turn it into its plain form (base64 between two marker lines) first"
      : "name a file that `portcullis vault backup` wrote",
  );
}

/**
 * Decrypts as it is read. Throws `backup_cannot_open` if nothing given opens it, which is all that is said; else
 * `backup_unreadable`, here or while it is read.
 */
export async function* decrypt(sealed: ByteStream, opener: Opener, file: string): AsyncGenerator<Uint8Array> {
  const age = await library();
  const decrypter = new age.Decrypter();
  if ("passphrase" in opener) decrypter.addPassphrase(opener.passphrase.reveal());
  else for (const identity of opener.identities) addIdentity(decrypter, identity);
  const plain = await decrypter.decrypt(sealed).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith("no identity matched")) {
      throw new AppError("backup_cannot_open", { file });
    }
    throw translated(error, file, "its beginning is damaged");
  });
  try {
    yield* plain;
  } catch (error) {
    throw translated(error, file, "it is damaged or cut off");
  }
}

function addIdentity(decrypter: Decrypter, identity: Secret): void {
  try {
    decrypter.addIdentity(identity.reveal());
  } catch {
    // What the library says could hold the identity.
    const advice =
      "an identity is a line `AGE-SECRET-KEY-1…`, as `age-keygen` makes it, in a file that is not itself encrypted";
    throw new AppError("wrong_usage", { problem: "the identity file holds a line that is no age identity", advice });
  }
}

/** What the file system says stays as it is; anything else is the library's word for bytes that are not what they were. */
function translated(error: unknown, file: string, problem: string): unknown {
  if (error instanceof AppError || (error instanceof Error && "syscall" in error)) return error;
  return unreadable(file, problem, undefined, error);
}
