/*
 * One operation on the operating system's key ring, in a process of its own: the library that talks to it waits without
 * yielding for a bus that accepts and never answers, and nothing but the end of its process ends that wait.
 *
 *   node key-ring-process.ts read|write|probe|delete ACCOUNT
 *
 * `write` and `probe` take the 32 bytes on standard input, read back what was stored and compare; `probe` then deletes it.
 * `read` puts the bytes on standard output. Nothing is converted to text on the way. The exit code says how it went (see
 * `ringExit`); standard error has what the library says of a failure, which holds no secret.
 *
 * On Linux the Secret Service is asked for by name: without that, the library falls back to a key ring of the kernel that is
 * gone with the next restart.
 */
import { timingSafeEqual } from "node:crypto";
import type { AsyncEntry } from "@napi-rs/keyring";
import { readStandardInput, ringExit, ringService } from "./key-ring-protocol.ts";

async function openEntry(account: string): Promise<AsyncEntry | undefined> {
  const library = await import("@napi-rs/keyring").catch((error: unknown) => void process.stderr.write(String(error)));
  return library && new library.AsyncEntry(ringService, account, { linux: { store: "secret-service" } });
}

async function read(entry: AsyncEntry): Promise<number> {
  const found = await entry.getSecret();
  if (found === null) return ringExit.none;
  const bytes = Buffer.from(found);
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve(ringExit.done)));
  });
}

async function write(entry: AsyncEntry): Promise<number> {
  const key = await readStandardInput();
  await entry.setSecret(key);
  const kept = Buffer.from((await entry.getSecret()) ?? []);
  const same = kept.length === key.length && timingSafeEqual(kept, key);
  if (!same) process.stderr.write("what was stored was not what was read back");
  return same ? ringExit.done : ringExit.failed;
}

async function remove(entry: AsyncEntry): Promise<number> {
  return (await entry.deleteCredential()) ? ringExit.done : ringExit.none;
}

async function run([operation, account = ""]: readonly string[]): Promise<number> {
  const entry = await openEntry(account);
  if (entry === undefined) return ringExit.noLibrary;
  if (operation === "read") return read(entry);
  if (operation === "write") return write(entry);
  if (operation === "delete") return remove(entry);
  try {
    return await write(entry);
  } finally {
    await remove(entry).catch(() => undefined); // a ring that could not be written to
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = ringExit.failed;
}
