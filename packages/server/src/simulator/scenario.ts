import { AppError, describe } from "../kernel/errors.ts";
import { parseOptions, parseScript, type Script, text, unusable } from "./script.ts";
import { isInteger, isObject } from "./wire.ts";

/** A script and what it is for. Of several scenarios, the first that matches counts. */
export interface Scenario {
  /** All that is given must hold; nothing given matches every request. */
  readonly match?: {
    /** The exact model. */
    readonly model?: string;
    /** A part of the request path. */
    readonly path?: string;
    /** A part of what the user said last. */
    readonly text?: string;
    /** The exact API key. */
    readonly key?: string;
  };
  /** How many requests it serves before it is used up. Without it, all. */
  readonly times?: number;
  readonly script: Script;
}

const matchRules = { model: text, path: text, text, key: text };

/**
 * Scenarios from a JSON text, which holds one or a list of them: `{"match": {"model": "…"}, "times": 2, "script": {…}}`.
 * Throws `invalid_request` that names what is wrong.
 */
export function parseScenarios(json: string): readonly Scenario[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new AppError("invalid_request", { problem: `the scenario file is not JSON: ${describe(error)}` });
  }
  return (Array.isArray(parsed) ? parsed : [parsed]).map(parseScenario);
}

function parseScenario(json: unknown): Scenario {
  if (!isObject(json)) throw unusable("a scenario must be an object {match, times, script}");
  const stray = Object.keys(json).find((name) => !["match", "times", "script"].includes(name));
  if (stray !== undefined) throw unusable(`a scenario has no field \`${stray}\`; it has match, times, script`);
  const { match, times, script } = json;
  if (times !== undefined && !isInteger(times, 1)) {
    throw unusable("`times` of a scenario must be a whole number, 1 or more");
  }
  return {
    ...(match !== undefined && { match: parseOptions(match, matchRules, "match") }),
    ...(times !== undefined && { times }),
    script: parseScript(script),
  };
}

/** What scenarios are matched against. */
export interface Occasion {
  readonly model: string;
  readonly path: string;
  readonly text: string;
  readonly key: string;
}

/** Scenarios in play: remembers how often each was used. */
export function createPlaybook(scenarios: readonly Scenario[]): { take(occasion: Occasion): Script | undefined } {
  const left = scenarios.map((scenario) => ({ scenario, times: scenario.times ?? Number.POSITIVE_INFINITY }));
  return {
    take(occasion) {
      const found = left.find(({ scenario, times }) => times > 0 && matches(scenario, occasion));
      if (found === undefined) return undefined;
      found.times -= 1;
      return found.scenario.script;
    },
  };
}

function matches({ match }: Scenario, occasion: Occasion): boolean {
  if (match === undefined) return true;
  if (match.model !== undefined && match.model !== occasion.model) return false;
  if (match.path !== undefined && !occasion.path.includes(match.path)) return false;
  if (match.text !== undefined && !occasion.text.includes(match.text)) return false;
  return match.key === undefined || match.key === occasion.key;
}
