import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { AppError } from "../kernel/errors.ts";
import type { AgentCommand } from "./agents.ts";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work` with the signals of this process in hand, so that what it set up is also taken down when the user ends it.
 *
 * A signal before there is a child is kept, and the child not started. After that it is passed on:
 * SIGTERM and SIGHUP always; SIGINT only when there is no terminal, because a terminal's Ctrl-C reaches the child by
 * itself and a second one would mean something else to it.
 */
export async function withChildSignals<Result>(
  hasTerminal: boolean,
  work: (runChild: (command: AgentCommand) => Promise<number>) => Promise<Result>,
): Promise<Result> {
  let child: ChildProcess | undefined;
  let kept: NodeJS.Signals | undefined;
  const receive = (signal: NodeJS.Signals) => {
    if (child === undefined) kept = signal;
    else if (signal !== "SIGINT" || !hasTerminal) child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, receive);
  try {
    return await work(async (command) => {
      if (kept !== undefined) return 128 + constants.signals[kept];
      child = spawn(command.program, command.args, { env: command.environment, stdio: "inherit" });
      return exitOf(child, command.program);
    });
  } finally {
    for (const signal of forwarded) process.off(signal, receive);
  }
}

/** The child's exit code; 128 and the signal's number, as a shell says it, if a signal ended it. */
function exitOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "ENOENT" ? new AppError("program_not_found", { program }, { cause }) : cause);
    });
    child.once("exit", (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]));
  });
}
