import { parseArgs } from "node:util";

/** How thoroughly to measure. */
export interface Plan {
  readonly scenarios: readonly string[];
  /** By name; `undefined` for all that are there. */
  readonly systems: readonly string[] | undefined;
  readonly rounds: number;
  readonly quick: boolean;
  /** Of every load: unmeasured before, measured after. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** How often each of several systems has its turn, and for how long. */
  readonly turns: number;
  readonly turnSeconds: number;
  /** How often the warm-up may be repeated until the system has seen enough. */
  readonly mostWarmUps: number;
  /** How long the soak lasts. */
  readonly minutes: number;
  readonly mayInstall: boolean;
  /** Where the report goes: Markdown and JSON. Without them it goes to bench/results, under the date. */
  readonly markdown: string | undefined;
  readonly json: string | undefined;
}

interface Known {
  readonly scenarios: readonly string[];
  readonly systems: readonly string[];
}

/** What is measured in a quick run where nothing is said: ourselves, and the plain proxy that costs are told in. */
const quickSystems = ["nginx", "portcullis"];
/** What is left out then: what single features cost is too little to show in a short run. */
const notQuick = ["s6"];

/** The plan that the words of a command line ask for. Throws what is wrong with them. */
export function planOf(words: readonly string[], known: Known): Plan {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: "boolean", default: false },
      scenario: { type: "string" },
      systems: { type: "string" },
      rounds: { type: "string" },
      minutes: { type: "string" },
      "no-install": { type: "boolean", default: false },
      markdown: { type: "string" },
      json: { type: "string" },
    },
  });
  const { quick } = values;
  const rounds = number("--rounds", values.rounds, quick ? 1 : 5);
  return {
    scenarios:
      chosen("scenario", values.scenario, known.scenarios) ??
      known.scenarios.filter((id) => !(quick && notQuick.includes(id))),
    systems: chosen("system", values.systems, known.systems) ?? (quick ? quickSystems : undefined),
    rounds,
    turns: 3 * rounds,
    quick,
    ...(quick
      ? { warmUpSeconds: 1, seconds: 1, turnSeconds: 1, mostWarmUps: 2 }
      : { warmUpSeconds: 3, seconds: 5, turnSeconds: 2, mostWarmUps: 5 }),
    minutes: number("--minutes", values.minutes, quick ? 0.05 : 2),
    mayInstall: !quick && !values["no-install"],
    markdown: values.markdown,
    json: values.json,
  };
}

function chosen(what: string, list: string | undefined, known: readonly string[]): readonly string[] | undefined {
  const names = list?.split(",").map((name) => name.trim().toLowerCase());
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no ${what} ${unknown}; there are ${known.join(", ")}`);
  return names;
}

function number(flag: string, text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!(value > 0) || (flag === "--rounds" && !Number.isInteger(value)))
    throw new Error(`${flag} must be a number above 0`);
  return value;
}
