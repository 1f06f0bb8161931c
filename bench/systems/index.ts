import { bifrost } from "./bifrost.ts";
import { direct } from "./direct.ts";
import { haproxy } from "./haproxy.ts";
import { litellm } from "./litellm.ts";
import { nginx } from "./nginx.ts";
import { portcullis } from "./portcullis.ts";
import { portkey } from "./portkey.ts";
import type { System } from "./system.ts";

/** In the order in which a round measures them. */
export const systems: readonly System[] = [direct, nginx, haproxy, portcullis, portkey, litellm, bifrost];
