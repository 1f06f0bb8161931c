import {
  checkConfig,
  explainKey,
  loadConfig,
  printConfig,
  type Explanation,
  type LoadOptions,
} from "../../config/index.ts";
import { leaf, optionalArgument, text, type CommandContext, type Group } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";

const file = text("--config <file>", "the configuration file (portcullis.yaml here or in the home)");

const check = leaf({
  parameters: { config: file },
  examples: ["portcullis config check --config ./portcullis.yaml"],
  async run(context, { config }) {
    const { output, show } = context;
    const { file: found, problems } = checkConfig(loadOptions(context, config));
    const isValid = problems.length === 0;
    show({ ok: isValid, file: found ?? null, problems }, () => {
      if (isValid)
        output.line(found === undefined ? "there is no file; the defaults are in force" : `${found} is valid`);
      for (const problem of problems) output.line(problem);
    });
    return isValid ? exitCodes.done : exitCodes.failed;
  },
});

const explain = leaf({
  parameters: {
    key: optionalArgument("[key]", "a setting or a section: server.port, server; all unless given"),
    config: file,
  },
  examples: ["portcullis config explain server.port"],
  async run(context, { key, config }) {
    const { output, show } = context;
    const explanations = explainKey(key ?? "", loadOptions(context, config));
    show(explanations, () => output.raw(explanations.map(describe).join("\n")));
  },
});

const print = leaf({
  parameters: { config: file },
  examples: ["portcullis config print"],
  async run(context, { config }) {
    const loaded = loadConfig(loadOptions(context, config));
    const values = loaded.settings.map(({ path, value }) => [path.join("."), value ?? null] as const);
    context.show(Object.fromEntries(values), () => context.output.raw(printConfig(loaded)));
  },
});

export const config: Group = {
  commands: [
    { name: "check", summary: "check the configuration file", load: () => check },
    { name: "explain", summary: "say what a setting means and is", load: () => explain },
    { name: "print", summary: "print the configuration in force, secrets masked", load: () => print },
  ],
};

function loadOptions({ parts, globals }: CommandContext, config: string | undefined): LoadOptions {
  return { names: parts.configNames, file: config, home: globals.home, environment: { ...parts.environment } };
}

function describe({
  key,
  description,
  expects,
  value,
  origin,
  default: standard,
  environment,
  flag,
  restart,
  example,
}: Explanation): string {
  const lines = [
    key,
    `  ${description}`,
    `  must be: ${expects}`,
    `  value: ${value ?? "none"} (${origin})`,
    ...(standard === undefined || origin === "default" ? [] : [`  default: ${standard}`]),
    ...(environment === undefined ? [] : [`  variable: ${environment}`]),
    ...(flag === undefined ? [] : [`  flag: ${flag}`]),
    ...(example === undefined ? [] : [`  in the file: ${example}`]),
    ...(restart ? ["  read at the start only"] : []),
  ];
  return `${lines.join("\n")}\n`;
}
