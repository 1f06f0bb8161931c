/*
 * Loaded into a gateway's process before it starts (`NODE_OPTIONS=--import=…`). Tells how long its event loop was busy with
 * one thing at most, in milliseconds of the thread's own processor time: time that other processes took is not counted. SIGUSR2 writes
 * the figure into the file `LOOP_WATCH_FILE` names and begins anew.
 */
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["LOOP_WATCH_FILE"];
if (isMainThread && file !== undefined) watch(file);

function watch(path: string): void {
  let before = process.threadCpuUsage();
  let longestMs = 0;
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1000);
    before = process.threadCpuUsage();
  };
  setInterval(look, 5).unref();
  process.on("SIGUSR2", () => {
    look();
    writeFileSync(path, longestMs.toFixed(1));
    longestMs = 0;
  });
}
