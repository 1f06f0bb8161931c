/**
 * Resolves when the process is told to stop (SIGTERM, or Ctrl-C). A second signal ends it at once: somebody is in a
 * hurry, and what was acknowledged is in the journal.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (told) process.exit(1);
        told = true;
        resolve(signal);
      });
    }
  });
}
