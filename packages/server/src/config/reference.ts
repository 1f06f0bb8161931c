import { ownVariables } from "./environment.ts";
import type { SchemaNames } from "./schema.ts";
import { listSections, type Section, type Setting } from "./settings.ts";

/** The text of docs/reference/config.md: every setting, generated from the schema. */
export function configReference(names: SchemaNames): string {
  const sections = listSections(names);
  return `${[introduction, ...sections.map(sectionText), environmentText()].join("\n\n")}\n`;
}

const introduction = `# Configuration

Nothing has to be configured. What is set comes, first match wins, from a flag, from an environment variable, from the file
\`portcullis.yaml\` (given with \`--config\`, else in the working directory, else in the home directory), or is the default.
A key that is not listed here is an error, and so is an unknown variable that begins with \`PORTCULLIS_\`.

- \`portcullis config check\` names every problem with its place in the file.
- \`portcullis config explain KEY\` tells what a setting does, its value, and where that comes from.
- \`portcullis config print\` shows what is in force, with everything secret masked.

A running gateway follows its file: a change is in force within two seconds, or at once after a SIGHUP, which also reads key files
anew. Requests under way are not touched. A file with a mistake in it, or with another value for a setting that is read at the start only,
is refused whole, and what was in force stays; the log and \`portcullis status\` say why.

Durations are a whole number and a unit: \`250ms\`, \`30s\`, \`5m\`, \`24h\`, \`30d\`, \`2w\`. Sizes are in bytes. In a variable, the items of
a list are separated by commas.`;

function sectionText({ name, description, settings }: Section): string {
  return `## \`${name}\`\n\n${description}\n\n${settings.map(settingText).join("\n")}`;
}

function settingText({
  key,
  description,
  expects,
  default: standard,
  example,
  environment,
  flag,
  restart,
}: Setting): string {
  const set = [environment, flag].flatMap((each) => (each === undefined ? [] : [`\`${each}\``]));
  const facts = [
    `Value: ${expects}.`,
    standard === undefined ? [] : `Default: ${inline(standard)}.`,
    example === undefined || example === standard ? [] : `Example: ${inline(example)}.`,
    set.length === 0 ? [] : `Also set by ${set.join(" and ")}.`,
    restart ? "Read at the start only." : [],
  ].flat();
  return `- **\`${key}\`**: ${description}\n  ${facts.join(" ")}`;
}

function environmentText(): string {
  const rows = Object.entries(ownVariables).map(([name, description]) => `| \`${name}\` | ${description} |`);
  return `## Environment\n\nVariables besides those of the settings. All but the first two are removed from the environment once read, so no child process inherits them.\n\n| variable | what it is |\n| --- | --- |\n${rows.join("\n")}`;
}

function inline(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
