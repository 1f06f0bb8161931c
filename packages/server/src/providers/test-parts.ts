import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { TestDatabase } from "../../test/support/databases.ts";
import type { Db } from "../db/index.ts";
import { openHome } from "../home/index.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { createVault, type Vault } from "../vault/index.ts";
import type { KeySources } from "./credential-keys.ts";
import { createProviders, predefinedProviders } from "./index.ts";
import type { Providers, ProvidersParts } from "./providers.ts";

export interface TestParts {
  readonly db: Db;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly vault: Vault;
  /** The providers as a process that starts now would have them. */
  readonly start: (
    options?: Partial<Pick<ProvidersParts, "declared" | "environment" | "sources">>,
  ) => Promise<Providers>;
}

/** A real database and a real, unsealed vault in it. */
export async function openParts(database: TestDatabase): Promise<TestParts> {
  const db = await database.open();
  const clock = fakeClock();
  const directory = mkdtempSync(join(tmpdir(), "portcullis-providers-"));
  const home = openHome(join(directory, "home"));
  after(() => {
    home.release();
    rmSync(directory, { recursive: true });
  });
  const environmentKey = new Secret(randomBytes(32).toString("base64"));
  const vault = createVault({ db, home, clock, options: { unlocker: "auto", environmentKey } });
  await vault.start();
  const none = {
    declared: { file: "portcullis.yaml", providers: [] },
    environment: new Map<string, Secret>(),
    sources: sourcesOf(new Map()),
  };
  return {
    db,
    clock,
    vault,
    start: (options) => createProviders({ db, clock, vault, predefined: predefinedProviders, ...none, ...options }),
  };
}

export interface TestSources extends KeySources {
  /** What was asked for, in order. */
  readonly asked: string[];
  /** The values by reference; one that is taken out cannot be read. */
  readonly values: Map<string, string>;
}

/** Sources that hold what a map holds. */
export function sourcesOf(values: Map<string, string>): TestSources {
  const asked: string[] = [];
  const kept = new Map<string, Secret>();
  return {
    asked,
    values,
    resolve: async (reference) => {
      asked.push(reference);
      const value = values.get(reference);
      if (value === undefined) throw new AppError("source_failed", { reference, problem: "it is not there" });
      const secret = new Secret(value);
      kept.set(reference, secret);
      return secret;
    },
    cached: (reference) => kept.get(reference),
    forget: (reference) => void kept.delete(reference),
  };
}

/** For `assert.rejects` and `assert.throws`. */
export const code = (expected: string) => ({ name: "AppError", code: expected });
