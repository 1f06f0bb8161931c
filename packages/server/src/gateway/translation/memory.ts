import type { ReasoningState } from "../../dialects/index.ts";
import type { Clock } from "../../kernel/clock.ts";

/*
 * Reasoning states that a caller's client cannot carry: those given before a call of a tool, by key and by the call's id. They
 * are kept for as long as a turn with tools may take, and are few: when there are too many, the oldest go, and the provider is
 * told that there is none. Nothing of it outlives the process.
 */
export interface ReasoningMemory {
  remember(keyId: string, callId: string, states: readonly ReasoningState[]): void;
  /** What this key's calls were given. */
  of(keyId: string): ReadonlyMap<string, readonly ReasoningState[]>;
}

const lifeMs = 3_600_000;
const mostPerKey = 200;
const mostKeys = 1_000;
const mostBytesPerState = 64 * 1024;

const none: ReadonlyMap<string, readonly ReasoningState[]> = new Map();

interface Remembered {
  readonly states: Map<string, readonly ReasoningState[]>;
  usedMs: number;
}

export function createReasoningMemory(clock: Pick<Clock, "monotonic">): ReasoningMemory {
  const byKey = new Map<string, Remembered>();

  function forgetOld(nowMs: number): void {
    for (const [keyId, { usedMs }] of byKey) {
      if (nowMs - usedMs < lifeMs && byKey.size <= mostKeys) return; // the first is the one that was used longest ago
      byKey.delete(keyId);
    }
  }

  return {
    remember(keyId, callId, states) {
      if (states.some(({ data }) => data.length > mostBytesPerState)) return;
      const nowMs = clock.monotonic();
      const known = byKey.get(keyId) ?? { states: new Map(), usedMs: nowMs };
      known.usedMs = nowMs;
      known.states.delete(callId);
      known.states.set(callId, states);
      const [oldest] = known.states.keys();
      if (known.states.size > mostPerKey && oldest !== undefined) known.states.delete(oldest);
      byKey.delete(keyId);
      byKey.set(keyId, known);
      forgetOld(nowMs);
    },
    of(keyId) {
      const known = byKey.get(keyId);
      if (known === undefined || clock.monotonic() - known.usedMs >= lifeMs) return none;
      return known.states;
    },
  };
}
