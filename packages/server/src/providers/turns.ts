/** Something that may be chosen. Of those that may, the lowest priority goes first; within it, turns follow the weights. */
export interface Candidate {
  readonly id: string;
  readonly priority: number;
  readonly weight: number;
}

/**
 * Smooth weighted round robin: at each turn everyone gains their weight, the richest is chosen and pays the sum of
 * all weights. So weights 3 and 1 give `a a b a`, not three in a row and then one. Standings outlive a change of the
 * candidates, so adding one does not send all traffic to the first.
 */
export function createTurns() {
  const standings = new Map<string, number>();

  return {
    next<T extends Candidate>(candidates: readonly T[]): T | undefined {
      if (candidates.length < 2) return candidates[0];
      const first = Math.min(...candidates.map((candidate) => candidate.priority));
      const peers = candidates.filter((candidate) => candidate.priority === first);
      if (peers.length < 2) return peers[0];
      let total = 0;
      let chosen: T | undefined;
      let best = Number.NEGATIVE_INFINITY;
      for (const peer of peers) {
        const standing = (standings.get(peer.id) ?? 0) + peer.weight;
        standings.set(peer.id, standing);
        total += peer.weight;
        if (standing > best) [best, chosen] = [standing, peer];
      }
      if (chosen !== undefined) standings.set(chosen.id, best - total);
      return chosen;
    },
    /** Whose turn it would be, without taking it. */
    peek<T extends Candidate>(candidates: readonly T[]): T | undefined {
      const first = Math.min(...candidates.map((candidate) => candidate.priority));
      const richness = ({ id, weight }: T): number => (standings.get(id) ?? 0) + weight;
      return candidates
        .filter((candidate) => candidate.priority === first)
        .reduce<T | undefined>((best, peer) => (best && richness(best) >= richness(peer) ? best : peer), undefined);
    },
    /** Forgets everyone who is not among these. */
    keepOnly(ids: ReadonlySet<string>): void {
      for (const id of standings.keys()) if (!ids.has(id)) standings.delete(id);
    },
  };
}
