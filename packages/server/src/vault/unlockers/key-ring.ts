import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../../kernel/errors.ts";
import { keyMemory, keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { ringExit, type RingOperation } from "./key-ring-protocol.ts";

/*
 * The key ring of the operating system: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on
 * Windows (which takes values of up to 2,560 bytes; a key has 32). Each operation has three seconds, counted from before
 * its process starts, and then counts as not answered: the ring may be waiting for a person.
 *
 * A ring that cannot be asked is `vault_unlocker_unavailable`, and says whether it is locked, absent or slow. "There is no
 * such entry" is an answer.
 */

const capMs = 3_000;

export interface KeyRing {
  /** Why there is no ring here that could be asked; `undefined` if there may be one. Costs nothing. */
  readonly absence: string | undefined;
  /** Writes an entry, reads it back, compares it and takes it away again. Throws if any of that fails. */
  probe(): Promise<void>;
  /** The entry, in memory that the caller wipes; `undefined` if there is none. */
  read(account: string): Promise<Buffer | undefined>;
  /** Resolves once the entry was read back and is what was written. */
  write(account: string, key: Uint8Array): Promise<void>;
  /** Does nothing if there is no such entry. */
  delete(account: string): Promise<void>;
}

export interface KeyRingPlace {
  readonly platform: NodeJS.Platform;
  /** The variables of the login session: where its bus, its home and its profile are. The process is given these alone. */
  readonly session: Readonly<Record<string, string>>;
  readonly capMs?: number;
}

export function createKeyRing(place: KeyRingPlace): KeyRing {
  const session = withBus(place);
  const absence = absenceOf(place.platform, session);
  const call = (operation: RingOperation, account: string, input?: Uint8Array): Promise<Buffer | undefined> => {
    if (absence !== undefined) return Promise.reject(absent(absence));
    return runOperation([operation, account], { environment: session, input, capMs: place.capMs ?? capMs });
  };
  return {
    absence,
    async probe() {
      const key = systemRandom(keySizeBytes);
      try {
        await call("probe", `probe-${systemRandom(8).toString("hex")}`, key);
      } finally {
        wipe(key);
      }
    },
    read: (account) => call("read", account),
    async write(account, key) {
      await call("write", account, key);
    },
    async delete(account) {
      await call("delete", account);
    },
  };
}

/** The session's bus where systemd puts it, if no variable names it. */
function withBus({ platform, session }: KeyRingPlace): Readonly<Record<string, string>> {
  const runtime = session["XDG_RUNTIME_DIR"];
  if (platform !== "linux" || session["DBUS_SESSION_BUS_ADDRESS"] !== undefined || runtime === undefined)
    return session;
  const path = join(runtime, "bus");
  const isBus = /^[\w/.-]+$/.test(path) && statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  return isBus ? { ...session, DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` } : session;
}

function absenceOf(platform: NodeJS.Platform, session: Readonly<Record<string, string>>): string | undefined {
  const needed = { linux: "DBUS_SESSION_BUS_ADDRESS", darwin: "HOME", win32: "USERPROFILE" }[String(platform)];
  if (needed === undefined) return `${platform} has no key ring that is known here`;
  if (session[needed] !== undefined) return undefined;
  return platform === "linux"
    ? "there is no D-Bus session bus here (DBUS_SESSION_BUS_ADDRESS is not set)"
    : `this process belongs to no login session (${needed} is not set)`;
}

interface Running {
  readonly environment: Readonly<Record<string, string>>;
  readonly input: Uint8Array | undefined;
  readonly capMs: number;
}

const program = new URL(`./key-ring-process${extname(import.meta.filename)}`, import.meta.url);

/** What the process put on standard output; `undefined` if it found no entry. */
async function runOperation(
  operation: readonly string[],
  { environment, input, capMs: mostMs }: Running,
): Promise<Buffer | undefined> {
  const child = spawn(process.execPath, ["--no-warnings", fileURLToPath(program), ...operation], {
    env: { ...environment },
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  const output: Buffer[] = [];
  const words: string[] = [];
  const ended = Promise.withResolvers<number | "slow">();
  const timer = setTimeout(() => ended.resolve("slow"), mostMs);
  child.on("error", ended.reject);
  child.on("close", (code) => ended.resolve(code ?? ringExit.failed));
  child.stdin.on("error", () => undefined); // it ended before it had read; its exit code says why
  child.stdin.end(input);
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.setEncoding("utf8").on("data", (text: string) => words.push(text));
  try {
    const code = await ended.promise;
    if (code === ringExit.done) return joined(output);
    if (code === ringExit.none) return undefined;
    throw code === "slow" ? slow(mostMs) : failure(code, words.join(""));
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    wipe(...output);
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  const bytes = keyMemory(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) filled += part.copy(bytes, filled);
  return bytes;
}

const retry = "and a sealed vault opens with `portcullis vault unseal --auto`";

function failure(code: number, words: string): AppError {
  if (code === ringExit.noLibrary) {
    const problem = "the package @napi-rs/keyring, which talks to the key ring, is not installed or does not run here";
    return unavailable(problem, `install it with \`npm install @napi-rs/keyring\`, ${retry}`, words);
  }
  if (/Couldn't access platform storage|interaction is not allowed|\blocked\b/i.test(words)) {
    return unavailable("the key ring of the operating system is locked", `unlock it, ${retry}`, words);
  }
  return absent("no key ring of the operating system answers here", words);
}

function slow(mostMs: number): AppError {
  const problem = `the key ring of the operating system did not answer within ${mostMs / 1_000} s; it may be waiting for somebody to unlock it`;
  return unavailable(problem, `unlock it, ${retry}`);
}

function absent(problem: string, words?: string): AppError {
  return unavailable(problem, `start this gateway where the key ring is, or start the key ring, ${retry}`, words);
}

function unavailable(problem: string, advice: string, detail?: string): AppError {
  return new AppError("vault_unlocker_unavailable", { problem, advice }, detail === undefined ? {} : { detail });
}
