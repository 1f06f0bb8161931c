import type { Reading } from "./scenarios/scenario.ts";

/** A reading, and where it comes from. */
export interface Sample extends Reading {
  readonly scenario: string;
  readonly system: string;
  readonly round: number;
  /** The share of one core that other processes, or the hypervisor, took meanwhile. */
  readonly foreignShare: number;
}

/** Above this, what was measured says something about the others on the machine too. */
const disturbedShare = 0.1;

export function isDisturbed({ foreignShare }: Sample): boolean {
  return foreignShare > disturbedShare;
}

/**
 * The samples that count, and how many were dropped because the machine was disturbed. Where a load on a system has no
 * other, the disturbed ones have to do.
 */
export function usable(samples: readonly Sample[]): { readonly samples: readonly Sample[]; readonly dropped: number } {
  const kept = samples.filter((sample) => !isDisturbed(sample) || !samples.some((other) => replaces(other, sample)));
  return { samples: kept, dropped: samples.length - kept.length };
}

function replaces(other: Sample, sample: Sample): boolean {
  return (
    !isDisturbed(other) &&
    other.scenario === sample.scenario &&
    other.load === sample.load &&
    other.system === sample.system
  );
}
