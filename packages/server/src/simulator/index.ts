export type { RecordedRequest, SimulatorStats } from "./record.ts";
export { parseScenarios, type Scenario, type Script, type ScriptedCall, scriptHeaders } from "./scenario.ts";
export { createSimulator, type Simulator, type SimulatorOptions } from "./simulator.ts";
export { shellCommand } from "./tools.ts";
