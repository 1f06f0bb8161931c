import { closeSync, openSync } from "node:fs";

/**
 * Calls back at SIGHUP, by which a service is asked to read its configuration again. To a program in a terminal that was
 * closed the same signal says that nobody is there any more; then the process stops as if it was told to.
 */
export function onHangUp(reload: () => void): void {
  const inTerminal = hasTerminal();
  let told = false; // a terminal that closes says so to its session and to the program in front: twice
  process.on("SIGHUP", () => {
    if (!inTerminal || hasTerminal()) return reload();
    if (!told) process.kill(process.pid, "SIGTERM");
    told = true;
  });
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
