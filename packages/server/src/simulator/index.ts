export type { RecordedRequest } from "./record.ts";
export { parseScenarios, type Scenario } from "./scenario.ts";
export { type Script, scriptHeaders } from "./script.ts";
export { createSimulator, type Simulator } from "./simulator.ts";
