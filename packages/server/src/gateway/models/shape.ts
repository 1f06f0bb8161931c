import type { DialectId } from "../../dialects/index.ts";
import type { Listed } from "./listed.ts";

/** How a dialect's clients want to read about models. */
export interface ModelShape {
  readonly dialect: DialectId;
  /** Which models its clients want under their bare id. */
  prefersBare(model: string): boolean;
  one(listed: Listed): object;
  list(listed: readonly Listed[]): object;
}
