import { s1 } from "./s1-small-chat.ts";
import { s2 } from "./s2-coding-agent.ts";
import { s3 } from "./s3-burst-streams.ts";
import { s4 } from "./s4-paced-streams.ts";
import { s5 } from "./s5-translation.ts";
import { s6 } from "./s6-features.ts";
import { s7 } from "./s7-soak.ts";
import { s8 } from "./s8-sick-providers.ts";
import { s9 } from "./s9-start.ts";
import type { Scenario } from "./scenario.ts";

export const scenarios: readonly Scenario[] = [s1, s2, s3, s4, s5, s6, s7, s8, s9];
