/** `npm run check`: everything a change must pass before it is worth a review. Steps run side by side; all are reported. */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

/** Unit tests but for the slow ones (`*.slow.test.ts`), which `npm test` runs. In two processes, each file's start-up saved. */
const files = globSync([
  "packages/server/test/architecture.test.ts",
  "packages/*/src/**/!(*.slow).test.ts",
  "bench/{,load/,report/}*.test.ts",
]).sort();
const tests = [0, 1].map((half) => ({
  name: `tests ${half + 1}/2`,
  command: [
    "node",
    "--test",
    "--test-isolation=none",
    "--test-reporter=dot",
    ...files.filter((_, index) => index % 2 === half),
  ],
}));

const waves: readonly (readonly Step[])[] = [
  [
    { name: "format", command: ["biome", "format", "."] },
    { name: "types", command: ["tsc", "-p", "."] },
    { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
    { name: "dead code", command: ["knip"] },
  ],
  tests,
];

function runStep(step: Step): Promise<{ step: Step; code: number; output: string; seconds: number }> {
  const started = performance.now();
  return new Promise((resolve) => {
    const [program = "", ...args] = step.command;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PORTCULLIS_TEST_POSTGRES_SKIP: "unit tests use SQLite; `npm test` uses both" },
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (output += String(chunk)));
    child.on("error", (error) => (output += String(error)));
    child.on("close", (code) =>
      resolve({ step, code: code ?? 1, output, seconds: (performance.now() - started) / 1000 }),
    );
  });
}

let failures = 0;
for (const wave of waves) {
  for (const result of await Promise.all(wave.map(runStep))) {
    const verdict = result.code === 0 ? "ok" : "FAILED";
    console.log(`${result.step.name.padEnd(10)} ${verdict.padEnd(6)} ${result.seconds.toFixed(1)} s`);
    if (result.code === 0) continue;
    failures += 1;
    console.log(result.output);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
