import { integer, leaf, text } from "../command.ts";

export const simulate = leaf({
  parameters: {
    host: text("--host <address>", "the address to listen on (127.0.0.1)"),
    port: integer("--port <number>", "the port to listen on; a free one unless given"),
    scenario: text("--scenario <file>", "how it behaves: a JSON file with one scenario or a list"),
  },
  examples: ["portcullis simulate --port 9100"],
  async run({ parts, output }, options) {
    await parts.simulate(options, ({ url }) => output.line(`simulated provider listening on ${url}`));
  },
});
