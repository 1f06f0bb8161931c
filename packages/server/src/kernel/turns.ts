/**
 * What is looked at or copied in one turn of the event loop at most: a few milliseconds, whatever the bytes are, and whether
 * or not the code was compiled by then.
 */
export const sliceBytes = 256 * 1024;

const waiting: (() => void)[] = [];

/**
 * Resolves in a later turn of the event loop, after others were served. In each turn one of all who wait goes on: many
 * large bodies at once take no more of a turn than one does.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(letOneGoOn);
  });
}

function letOneGoOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(letOneGoOn);
}
