import { direct } from "./direct.ts";
import { nginx } from "./nginx.ts";
import { portcullis } from "./portcullis.ts";
import type { System } from "./system.ts";

/** In the order in which a round measures them. */
export const systems: readonly System[] = [direct, nginx, portcullis];
