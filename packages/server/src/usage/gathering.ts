/** How long rows gather before they are settled: a commit each would cost more than all else. */
const gatherMs = 50;
/** Where so many come in that time, they gather for longer: among 200 a row costs two thirds of what it does among 50. */
const manyRows = 20;
const longGatherMs = 200;

/** Gathers rows, and says when it is time to settle them. */
export interface Gathering {
  /** Cheap: may be called for every row. */
  add(): void;
  stop(): void;
}

export function createGathering(settle: () => void): Gathering {
  let rows = 0;
  let timer: NodeJS.Timeout | undefined;

  function end(): void {
    timer = undefined;
    rows = 0;
    settle();
  }

  function endUnlessMany(): void {
    if (rows >= manyRows) timer = setTimeout(end, longGatherMs - gatherMs);
    else end();
  }

  return {
    add() {
      rows += 1;
      timer ??= setTimeout(endUnlessMany, gatherMs);
    },
    stop: () => clearTimeout(timer),
  };
}
