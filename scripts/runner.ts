import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";

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

/**
 * Runs test files with Node's own runner and reports to standard output; before the runner's summary stands a list of
 * everything that was skipped and why. Resolves to whether all went well.
 */
export async function runTests(files: readonly string[], fileTimeoutMs = 900_000): Promise<boolean> {
  const skipped = new Set<string>();
  let failed = false;
  let summarising = false;
  const output = spec();
  output.pipe(process.stdout);
  const stream = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: fileTimeoutMs });
  for await (const event of stream as AsyncIterable<TestEvent>) {
    if (event.type === "test:pass" && event.data.skip !== undefined && event.data.skip !== false) {
      skipped.add(`${event.data.name}: ${event.data.skip === true ? "no reason given" : event.data.skip}`);
    }
    if (event.type === "test:fail" && event.data.todo === undefined) failed = true;
    if (!summarising && isSummary(event)) {
      summarising = true;
      const list = [...skipped].map((line) => `  - ${line}\n`).join("");
      process.stdout.write(skipped.size === 0 ? "\nnothing was skipped\n" : `\nskipped, and why:\n${list}`);
    }
    if (!output.write(event)) await new Promise((resume) => output.once("drain", resume));
  }
  await new Promise<void>((resolve) => output.end(resolve));
  return !failed;
}

/** The first line of the closing summary counts all tests. */
function isSummary({ type, data }: TestEvent): boolean {
  return type === "test:diagnostic" && data.nesting === 0 && /^tests \d+$/.test(data.message ?? "");
}
