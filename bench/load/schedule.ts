/** When the requests of an open loop are due: evenly spread, whatever became of those before. Milliseconds. */
export interface Schedule {
  /** How many there are in all. */
  readonly total: number;
  /** When the request with this number, from 0, is due. */
  dueAt(index: number): number;
}

export function scheduleOf(startedAt: number, perSecond: number, seconds: number): Schedule {
  return {
    total: Math.max(1, Math.round(perSecond * seconds)),
    dueAt: (index) => startedAt + (index * 1_000) / perSecond,
  };
}
