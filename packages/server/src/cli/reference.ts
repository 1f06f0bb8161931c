import type { CommandEntry, Group, Leaf } from "./command.ts";
import { commands } from "./commands/index.ts";
import { globalOptions } from "./program.ts";

/** All commands as Markdown, from the same data that the parser and `--help` are made from. */
export async function cliReference(): Promise<string> {
  const sections = await Promise.all(commands.map((entry) => describeEntry(entry, "portcullis")));
  const globals = globalOptions.map(([flags, summary]) => `| \`${cell(flags)}\` | ${cell(summary)} |\n`).join("");
  return `# Commands

Every command has \`--help\`. Lists are tables on a terminal and JSON with \`--json\`. Secrets are read from a prompt, standard input or
\`--from-env NAME\`, never from the command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 unreachable.

| every command takes | |
| --- | --- |
${globals}
${sections.join("\n")}`;
}

async function describeEntry(entry: CommandEntry, before: string): Promise<string> {
  const name = `${before} ${entry.name}`;
  const body: Leaf | Group = await entry.load();
  if ("commands" in body) {
    const inner = await Promise.all(body.commands.map((member) => describeEntry(member, name)));
    return inner.join("\n");
  }
  const parameters = Object.values(body.parameters);
  const positions = parameters
    .filter((parameter) => parameter.kind === "argument")
    .map((parameter) => ` ${parameter.form}`);
  const rows = parameters.map(({ form, summary }) => `| \`${cell(form)}\` | ${cell(summary)} |\n`);
  const table = rows.length === 0 ? "" : `| | |\n| --- | --- |\n${rows.join("")}\n`;
  return `## ${name}${positions.join("")}

${entry.summary}

${table}\`\`\`sh
${body.examples.join("\n")}
\`\`\`
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
