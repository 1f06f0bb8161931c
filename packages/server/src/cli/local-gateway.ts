import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { AppError } from "../kernel/errors.ts";
import type { CommandContext } from "./command.ts";

const startLimitMs = 30_000;

/**
 * Starts the gateway for `url` (an address of this machine) as a process of its own and resolves, once it accepts
 * connections, to the function that stops it. It is in a process group of its own, so that Ctrl-C ends the agent alone
 * and the gateway serves it to its last request.
 */
export async function startGateway({ parts, globals }: CommandContext, url: URL): Promise<() => Promise<void>> {
  const [program, ...first] = parts.self;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const place = globals.home === undefined ? [] : ["--home", globals.home];
  const child = spawn(program, [...first, "serve", "--host", host, "--port", url.port || "80", ...place], {
    detached: true,
    env: parts.environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => stopChild(child);
  try {
    await waitUntilListening(child);
    return stop;
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** Its output is read to the end all the time: a full pipe would stop it. */
async function waitUntilListening(child: ChildProcess): Promise<void> {
  const lastErrors: string[] = [];
  if (child.stdout === null || child.stderr === null) throw new TypeError("the gateway's output is not a pipe");
  createInterface({ input: child.stderr }).on("line", (line) =>
    lastErrors.splice(0, lastErrors.length - 4, ...lastErrors.splice(-4), line),
  );
  const output = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    const fail = (problem: string) => {
      clearTimeout(limit);
      reject(new AppError("gateway_not_started", { problem }));
    };
    const limit = setTimeout(() => fail(`it was not ready after ${startLimitMs / 1_000} s`), startLimitMs);
    output.on("line", (line) => {
      if (!line.startsWith("portcullis listening on ")) return;
      clearTimeout(limit);
      resolve();
    });
    child.once("error", () => fail("its program cannot be run"));
    child.once("close", () => fail(lastErrors.at(-1) ?? "it ended at once"));
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
