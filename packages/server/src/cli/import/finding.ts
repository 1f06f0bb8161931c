import type { ImportItem } from "@portcullis/contract";

/** What a reader found at one place of a source: something to take over, or something that is left, and why. */
export type Finding = Candidate | Left;

export interface Candidate {
  /** Where it stands: `line 3`, `channels 12`. */
  readonly place: string;
  readonly item: ImportItem;
}

export interface Left {
  readonly place: string;
  /** What it is: of the kinds of items, or `route`, `setting` and the like. */
  readonly kind: string;
  readonly name: string;
  readonly outcome: "skipped" | "failed";
  readonly reason: string;
}

/** What readers know beside the source. */
export interface ReaderContext {
  /** Where `os.environ/NAME`, `$NAME` and the like are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The variables that providers take their keys from. */
  readonly keyVariables: readonly string[];
  /** Whether what no provider takes is kept as a secret. */
  readonly keepSecrets: boolean;
}

export const sourceKinds = ["env", "dotenv", "fernet", "key-file", "litellm", "one-api", "claude-code-router"] as const;
export type SourceKind = (typeof sourceKinds)[number];

export function skipped(place: string, kind: string, name: string, reason: string): Left {
  return { place, kind, name, outcome: "skipped", reason };
}

export function failed(place: string, kind: string, name: string, reason: string): Left {
  return { place, kind, name, outcome: "failed", reason };
}

/** More than anyone has, and little enough to hold in memory. */
export const mostFindings = 20_000;
