import { createSecrets } from "@portcullis/client";
import { endpoints, variablesOf, type NamedSecret } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import { argument, flag, leaf, text, type CommandContext, type Group } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { adminToken, connect, gatewayUrl } from "../gateway.ts";
import { readSecret } from "../secret-input.ts";
import { dayAndTime } from "../table.ts";

const name = argument("<name>", "the name of the secret, such as openai_api_key");

const set = leaf({
  parameters: { name, fromEnv: text("--from-env <name>", "read the value from this environment variable") },
  examples: ["portcullis secrets set openai_api_key", `printf %s "$TOKEN" | portcullis secrets set deploy.token`],
  async run(context, values) {
    const client = await connect(context);
    const value = await readSecret(context, `value of ${values.name}`, values.fromEnv);
    const stored = await client.call(endpoints.secrets.put, { params: { name: values.name }, input: { value } });
    context.show(stored, () =>
      context.output.record({
        name: stored.name,
        version: stored.version,
        set: dayAndTime(stored.updated_at),
        "also looked for in": stored.environment.join(", "),
      }),
    );
  },
});

const get = leaf({
  parameters: { name },
  examples: ["portcullis secrets get openai_api_key", "portcullis secrets get openai_api_key --json"],
  async run(context, values) {
    const found = await lookUp(context, values.name);
    const { value, source, variable = null, problem } = found;
    if (problem !== undefined) {
      context.output.note(`this is from ${variable ?? source}; the vault could not be asked: ${problem.message}`);
    }
    const result = { name: values.name, value, source, variable, vault_problem: problem?.code ?? null };
    context.show(result, () => context.output.raw(value));
  },
});

const list = leaf({
  parameters: { recognised: flag("--recognised", "the names that are known, and the variables that belong to them") },
  examples: ["portcullis secrets list", "portcullis secrets list --recognised --json"],
  async run(context, { recognised }) {
    if (recognised) return showRecognised(context);
    const secrets = await secretsOf(context);
    const data = await secrets.list();
    context.show({ data, next_cursor: null }, () =>
      context.output.table(
        [
          { heading: "NAME", value: (row: NamedSecret) => row.name },
          { heading: "VERSION", value: (row) => row.version },
          { heading: "SET", value: (row) => dayAndTime(row.updated_at) },
          { heading: "ALSO LOOKED FOR IN", value: (row) => row.environment.join(", ") },
        ],
        data,
      ),
    );
  },
});

const remove = leaf({
  parameters: { name, yes: flag("--yes", "do not ask") },
  examples: ["portcullis secrets delete openai_api_key --yes"],
  async run(context, values) {
    await confirm(context, `delete the secret ${values.name} from the vault?`, values.yes);
    const client = await connect(context);
    await client.call(endpoints.secrets.remove, { params: { name: values.name } });
    context.show({ name: values.name, deleted: true }, () => context.output.line(`deleted ${values.name}`));
  },
});

export const secrets: Group = {
  commands: [
    { name: "set", summary: "put a secret into the vault", load: () => set },
    { name: "get", summary: "print a secret: from the vault, else from the environment", load: () => get },
    { name: "list", summary: "list the secrets in the vault, without their values", load: () => list },
    { name: "delete", summary: "delete a secret from the vault", load: () => remove },
  ],
};

async function secretsOf(context: CommandContext) {
  const token = await adminToken(context);
  return createSecrets({ baseUrl: gatewayUrl(context).href, token, environment: context.parts.environment });
}

async function lookUp(context: CommandContext, wanted: string) {
  const found = await (await secretsOf(context)).find(wanted);
  if (found !== undefined) return found;
  context.output.note(`looked in the vault and in ${variablesOf(wanted).join(", ")}`);
  throw new AppError("not_found", { what: "secret", id: wanted });
}

async function showRecognised(context: CommandContext): Promise<void> {
  const found = await (await connect(context)).call(endpoints.secrets.names);
  context.show(found, () =>
    context.output.table(
      [
        { heading: "NAME", value: (row: (typeof found.data)[number]) => row.name },
        { heading: "VARIABLES", value: (row) => row.environment.join(", ") },
      ],
      found.data,
    ),
  );
}
