/**
 * `npm test`: the test suite, with one PostgreSQL server for the whole run. Arguments are files or globs; none means
 * everything.
 */
import { globSync } from "node:fs";
import { startPostgres } from "../packages/server/test/support/postgres.ts";
import { runTests } from "./runner.ts";

const patterns = process.argv.slice(2);
const files = globSync(
  patterns.length > 0
    ? patterns
    : ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "bench/{,load/,report/}*.test.ts"],
);
if (files.length === 0) {
  console.error("no test files match");
  process.exit(2);
}

let stopPostgres = async (): Promise<void> => {};
if (process.env["PORTCULLIS_TEST_POSTGRES_URL"] === undefined) {
  try {
    const server = await startPostgres();
    process.env["PORTCULLIS_TEST_POSTGRES_URL"] = server.url;
    stopPostgres = () => server.stop();
  } catch (error) {
    process.env["PORTCULLIS_TEST_POSTGRES_SKIP"] = `PostgreSQL did not start: ${String(error)}`;
  }
}

const passed = await runTests(files);
await stopPostgres();
process.exitCode = passed ? 0 : 1;
