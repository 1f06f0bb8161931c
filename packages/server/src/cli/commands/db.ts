import { argument, leaf, text, type Group } from "../command.ts";

const config = text("--config <file>", "the configuration file (portcullis.yaml here or in the home)");

const status = leaf({
  parameters: { config },
  examples: ["portcullis db status"],
  async run({ parts, output, show, globals }, values) {
    const found = await (await parts.database({ home: globals.home, config: values.config })).status();
    show(found, () =>
      output.record({
        engine: found.engine,
        schema: found.current,
        "this version's schema": found.known,
        "migrations to run": found.pending.join(", "),
      }),
    );
  },
});

const migrate = leaf({
  parameters: { config },
  examples: ["portcullis db migrate"],
  async run({ parts, output, show, globals }, values) {
    const done = await (await parts.database({ home: globals.home, config: values.config })).migrate();
    show(done, () => {
      if (done.applied.length === 0) output.line(`the schema is up to date (${done.to})`);
      if (done.backup !== undefined) output.line(`copied the database to ${done.backup}`);
      for (const name of done.applied) output.line(`applied ${name}`);
    });
  },
});

const backup = leaf({
  parameters: { file: argument("<file>", "the file to write, which must not exist"), config },
  examples: ["portcullis db backup portcullis-backup.db"],
  async run({ parts, output, show, globals }, values) {
    const written = await (await parts.database({ home: globals.home, config: values.config })).backup(values.file);
    show(written, () => output.line(`wrote ${written.bytes} bytes to ${written.file}`));
  },
});

export const db: Group = {
  commands: [
    { name: "status", summary: "say which schema the database has", load: () => status },
    { name: "migrate", summary: "bring the schema up to date", load: () => migrate },
    { name: "backup", summary: "copy the database to a file", load: () => backup },
  ],
};
