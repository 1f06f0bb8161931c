import type { Readable, Writable } from "node:stream";
import type { ConfigNames } from "../config/index.ts";
import type { Secret } from "../kernel/secret.ts";

/** Standard input, or what stands for it in a test. */
export interface InputStream extends Readable {
  readonly isTTY?: boolean;
}

/** Standard output or standard error. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  /** The width of the terminal. */
  readonly columns?: number;
}

/** Where this installation lies: what `--home` and `--config` say, if they were given. */
export interface Place {
  readonly home: string | undefined;
  readonly config: string | undefined;
}

export interface ServeOptions extends Place {
  readonly host: string | undefined;
  /** 0 picks a free one. */
  readonly port: number | undefined;
  readonly logLevel: string | undefined;
  readonly traceRequests: boolean;
}

/** What `serve` tells once it accepts connections. */
export interface ServeStarted {
  /** `http://HOST:PORT` */
  readonly url: string;
  /** Where the admin API answers, if it has a listener of its own. */
  readonly adminUrl?: string | undefined;
  /** Of an instance that has no owner yet. */
  readonly setupCode?: Secret | undefined;
}

export interface DemoOptions {
  /** Where the demo keeps its files; a temporary directory unless given. */
  readonly home: string | undefined;
  readonly port: number | undefined;
}

export interface SimulateOptions {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly scenario: string | undefined;
}

/** What one check of `doctor` found. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "failed";
  readonly detail: string;
  /** What to type, unless the state is `ok`. */
  readonly hint?: string | undefined;
}

export interface DatabaseCommands {
  /** `current` is the schema the database has, `known` the one this version knows. */
  status(): Promise<{
    readonly engine: string;
    readonly current: number;
    readonly known: number;
    readonly pending: readonly string[];
  }>;
  /** `backup` is the copy that was made beforehand, if one was. */
  migrate(): Promise<{
    readonly from: number;
    readonly to: number;
    readonly applied: readonly string[];
    readonly backup?: string | undefined;
  }>;
  /** Writes a consistent copy to `file`, which must not exist. */
  backup(file: string): Promise<{ readonly file: string; readonly bytes: number }>;
}

/** What a backup says of itself, and what came of it. */
export interface RestoreReport {
  readonly header: {
    readonly made_at: string;
    readonly product: string;
    readonly schema: number;
    readonly engine: string;
  };
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly vault: {
    readonly opened: number;
    readonly unreadable: readonly string[];
    readonly keptSlots: readonly string[];
    readonly droppedSlots: readonly string[];
  };
  /** The kind of the unlock slot that was made for this machine, if one was. */
  readonly newSlot: string | undefined;
  readonly target: string;
}

export interface RestoreGiven {
  readonly file: string;
  readonly dryRun: boolean;
  readonly identityFile: string | undefined;
  /** Asks for the passphrase, if it turns out that one is needed. */
  passphrase(): Promise<string>;
}

export interface BackupCommands {
  /** Writes what `make` brings to `file`, whole or not at all; nothing is made if the name is taken. */
  save(
    file: string,
    options: { readonly replace: boolean },
    make: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<{ readonly file: string; readonly bytes: number }>;
  /** The recipients that a file lists. */
  recipients(file: string): Promise<readonly string[]>;
  restore(given: RestoreGiven): Promise<RestoreReport>;
}

/**
 * What the command line is made of. `main` supplies the streams of the process and everything that runs the gateway
 * inside it; all other commands talk to a gateway over its admin API.
 */
export interface CliParts {
  readonly version: string;
  /** A copy of the environment as it was when the process started, secrets included. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the configuration file may name. */
  readonly configNames: ConfigNames;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** How to start this command line once more: a program and its first arguments. */
  readonly self: readonly [program: string, ...args: string[]];
  /** The token of the gateway on this machine, if its home has one; of the default home unless `home` is given. */
  readAdminToken(home: string | undefined): Promise<Secret | undefined>;
  /** Runs the gateway; resolves once it has been told to stop and has stopped. */
  serve(options: ServeOptions, started: (facts: ServeStarted) => void): Promise<void>;
  /** Runs the demonstration, telling its story through `say`; resolves once it has been told to stop. */
  demo(options: DemoOptions, say: (line: string) => void): Promise<void>;
  /** Runs a simulated provider; resolves once it has been told to stop. */
  simulate(options: SimulateOptions, started: (facts: { readonly url: string }) => void): Promise<void>;
  doctor(place: Place): Promise<readonly Finding[]>;
  database(place: Place): DatabaseCommands | Promise<DatabaseCommands>;
  backups(place: Place): BackupCommands | Promise<BackupCommands>;
}
