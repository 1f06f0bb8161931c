/**
 * `npm run promise -- NAME`: one of the product's promises, tested at full length; the figures are in its output. Without a
 * name it lists them. `npm test` runs the same tests, those that kill processes fewer times.
 */
import { globSync } from "node:fs";
import process from "node:process";
import { startPostgres } from "../packages/server/test/support/postgres.ts";
import { runTests } from "./runner.ts";

interface Promised {
  readonly says: string;
  readonly files: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const source = (name: string): string => `packages/server/src/${name}.test.ts`;
const behaviour = (name: string): string => `packages/server/test/behaviour/${name}.test.ts`;

const promises: Readonly<Record<string, Promised>> = {
  usage: {
    says: "kill -9 at any instant, 300 times: no usage lost, none doubled",
    files: [behaviour("crash")],
    environment: { PORTCULLIS_TEST_ROUNDS: "300" },
  },
  disk: {
    says: "any write of journal or ledger may fail: no usage lost, none doubled",
    files: [behaviour("write-faults")],
  },
  secrets: { says: "no planted key, token or prompt is found where it does not belong", files: [behaviour("canary")] },
  egress: { says: "no packet goes to a forbidden address", files: [behaviour("ssrf")] },
  policies: { says: "every route has a policy, and nobody gets past it", files: [behaviour("policies")] },
  revocation: { says: "a revoked key is cut, open streams included", files: [behaviour("revocation")] },
  rotation: {
    says: "every key is replaced under load, twenty times over, and no request fails",
    files: [behaviour("rotation-load")],
    environment: { PORTCULLIS_TEST_ROUNDS: "20" },
  },
  vault: {
    says: "what was moved, edited or replayed never opens, and a vault killed at any step is whole",
    files: [
      source("vault/forgeries.slow"),
      source("vault/rotation/faults.slow"),
      source("vault/stores/killed.slow"),
      behaviour("vault-killed.slow"),
      behaviour("vault-core.slow"),
    ],
  },
  backup: {
    says: "a backup restores onto either engine, and a broken one is refused",
    files: ["packages/server/src/backup/*.test.ts", behaviour("backup")],
  },
  ingress: {
    says: "hostile requests reach no provider and hurt no neighbour",
    files: [behaviour("hostile-requests"), behaviour("slow-clients")],
  },
};

const name = process.argv[2] ?? "";
const promised = promises[name];
if (promised === undefined) {
  for (const [known, { says }] of Object.entries(promises))
    console.log(`npm run promise -- ${known.padEnd(12)}${says}`);
  process.exit(name === "" ? 0 : 2);
}
Object.assign(process.env, promised.environment);
const postgres = await startPostgres();
process.env["PORTCULLIS_TEST_POSTGRES_URL"] = postgres.url;
const kept = await runTests(globSync([...promised.files]), 3_600_000);
await postgres.stop();
process.exitCode = kept ? 0 : 1;
