import { integer, leaf } from "../command.ts";

export const demo = leaf({
  parameters: { port: integer("--port <number>", "the port to listen on; a free one unless given") },
  examples: ["portcullis demo"],
  async run({ parts, output, globals }, { port }) {
    await parts.demo({ port, home: globals.home }, (line) => output.line(line));
  },
});
