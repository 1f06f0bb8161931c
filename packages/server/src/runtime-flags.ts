import process from "node:process";

/*
 * Imported first of all by `main`. A gateway is one thread that forwards and a worker that writes; V8's collector would
 * keep further threads busy beside them, which on a machine that has other things to do costs more than it saves. And
 * glibc would give each thread a heap of its own, in which what a compiler thread once needed stays unused for good. Both
 * can only be said when a process starts, so `serve` replaces itself once by the same program with the flags: same
 * process id, same streams, some 40 ms as long as nothing else was loaded before. Where the operating system cannot do that (Windows), it goes on without.
 */
const flags = ["--single-threaded-gc", "--max-semi-space-size=16"];
const oneHeap = { MALLOC_ARENA_MAX: "1" };

const [node, script = "", ...words] = process.argv;
const isGateway = words.includes("serve");
const hasFlags = process.execArgv.some((flag) => flags.includes(flag));

if (isGateway && !hasFlags && node !== undefined && process.platform !== "win32" && process.execve !== undefined) {
  // oxlint-disable-next-line node/no-process-env -- handed on as it is
  const environment = { ...oneHeap, ...process.env };
  process.execve(node, [node, ...process.execArgv, ...flags, script, ...words], environment);
}
