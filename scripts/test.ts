/**
 * Runs the test suite: one PostgreSQL server for the whole run, Node's own test runner, and before the runner's
 * summary a list of everything that was skipped and why. Arguments are files or globs; none means everything.
 */
import { availableParallelism } from "node:os";
import { globSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { startPostgres } from "../packages/server/test/support/postgres.ts";

/** What the runner tells as it goes; only what is looked at here. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly nesting?: number;
    readonly message?: string;
  };
}

const patterns = process.argv.slice(2);
const files = globSync(
  patterns.length > 0 ? patterns : ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts"],
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

const skipped: string[] = [];
let failed = false;

/** Passes the runner's events on, and puts the list of skipped tests in front of its closing summary. */
async function* withSkips(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  let summarising = false;
  for await (const event of events) {
    if (event.type === "test:pass" && event.data.skip !== undefined && event.data.skip !== false) {
      skipped.push(`${event.data.name}: ${event.data.skip === true ? "no reason given" : event.data.skip}`);
    }
    if (event.type === "test:fail" && event.data.todo === undefined) failed = true;
    if (
      event.type === "test:diagnostic" &&
      event.data.nesting === 0 &&
      /^tests \d+$/.test(event.data.message ?? "") &&
      !summarising
    ) {
      summarising = true;
      const list = [...new Set(skipped)].map((line) => `  - ${line}\n`).join("");
      process.stdout.write(skipped.length === 0 ? "\nnothing was skipped\n" : `\nskipped, and why:\n${list}`);
    }
    yield event;
  }
}

const stream = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: 600_000 });
const output = spec();
output.pipe(process.stdout);
for await (const event of withSkips(stream as AsyncIterable<TestEvent>)) {
  if (!output.write(event)) await new Promise((resume) => output.once("drain", resume));
}
await new Promise<void>((resolve) => output.end(resolve));
await stopPostgres();
process.exitCode = failed ? 1 : 0;
