import { flag, integer, leaf, oneOf, text } from "../command.ts";

export const serve = leaf({
  parameters: {
    host: text("--host <address>", "the address to listen on (127.0.0.1)"),
    port: integer("--port <number>", "the port to listen on (8484); 0 picks a free one"),
    config: text("--config <file>", "the configuration file (portcullis.yaml here or in the home)"),
    logLevel: oneOf("--log-level <level>", "the least important lines to log", ["debug", "info", "warn", "error"]),
    traceRequests: flag("--trace-requests", "log every request, without its content"),
  },
  examples: ["portcullis serve", "portcullis serve --port 9000 --log-level debug"],
  async run({ parts, output, globals }, options) {
    await parts.serve({ ...options, home: globals.home }, ({ url, adminUrl, setupCode }) => {
      output.line(`portcullis listening on ${url}`);
      if (adminUrl !== undefined) output.line(`admin API on ${adminUrl}`);
      if (setupCode !== undefined) {
        output.line(
          `this gateway has no owner yet; claim it with \`portcullis setup\` and the code ${setupCode.reveal()}`,
        );
      }
    });
  },
});
