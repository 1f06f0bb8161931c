import { leaf, text } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";

export const doctor = leaf({
  parameters: { config: text("--config <file>", "the configuration file (portcullis.yaml here or in the home)") },
  examples: ["portcullis doctor", "portcullis doctor --json"],
  async run({ parts, output, show, globals }, { config }) {
    const findings = await parts.doctor({ home: globals.home, config });
    show(findings, () => {
      for (const { check, state, detail, hint } of findings) {
        output.line(`${state.padEnd(7)}  ${check}: ${detail}`);
        if (hint !== undefined) output.line(`         ${hint}`);
      }
    });
    return findings.some(({ state }) => state === "failed") ? exitCodes.failed : exitCodes.done;
  },
});
