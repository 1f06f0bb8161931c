import { endpoints, type Credential } from "@portcullis/contract";
import { parseDurationMs } from "../../kernel/clock.ts";
import { argument, flag, integer, leaf, text, wrongUsage, type CommandContext, type Group } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { connect } from "../gateway.ts";
import { allPages } from "../pages.ts";
import { readSecret } from "../secret-input.ts";
import { dayAndTime } from "../table.ts";
import { showTest } from "./providers.ts";

const id = argument("<id>", "the credential's id");

const list = leaf({
  parameters: { provider: text("--provider <id>", "only those of this provider") },
  examples: ["portcullis credentials list", "portcullis credentials list --provider openai --json"],
  async run(context, { provider }) {
    const client = await connect(context);
    const data = await allPages((page) => client.call(endpoints.credentials.list, { query: { ...page, provider } }));
    context.show({ data, next_cursor: null }, () =>
      context.output.table(
        [
          { heading: "ID", value: (row: Credential) => row.id },
          { heading: "PROVIDER", value: (row) => row.provider },
          { heading: "LABEL", value: (row) => row.label },
          { heading: "ENDS IN", value: (row) => row.last_four },
          { heading: "STATUS", value: (row) => row.status },
          { heading: "TEST", value: describeTest },
          { heading: "EXPIRES", value: (row) => dayAndTime(row.expires_at) },
        ],
        data,
      ),
    );
  },
});

const add = leaf({
  parameters: {
    provider: argument("<provider>", "the provider's id"),
    label: text("--label <text>", "a name to tell it by"),
    weight: integer("--weight <number>", "its share of the traffic among keys of the same priority"),
    priority: integer("--priority <number>", "lower numbers are used first"),
    expires: text("--expires <when>", "after a duration like 30d, or at a time like 2027-01-31T00:00:00Z"),
    fromEnv: text("--from-env <name>", "read the API key from this environment variable"),
    test: {
      ...flag("--no-test", "store it without asking the provider whether it accepts it"),
      parse: (raw: unknown) => raw !== false,
    },
  },
  examples: [
    "portcullis credentials add openai",
    `printf %s "$KEY" | portcullis credentials add openai --label team --no-test`,
  ],
  async run(context, { provider, label, weight, priority, expires, fromEnv, test }) {
    const expiry = readExpiry(expires);
    const client = await connect(context);
    const value = await readSecret(context, `API key of ${provider}`, fromEnv);
    const input = { provider, value, label, weight, priority, test, ...expiry };
    showCredential(context, await client.call(endpoints.credentials.create, { input }));
  },
});

const test = leaf({
  parameters: { id },
  examples: ["portcullis credentials test cred_01jd"],
  async run(context, values) {
    const client = await connect(context);
    return showTest(context, values.id, await client.call(endpoints.credentials.test, { params: { id: values.id } }));
  },
});

const disable = leaf({
  parameters: { id },
  examples: ["portcullis credentials disable cred_01jd"],
  async run(context, values) {
    const client = await connect(context);
    showCredential(context, await client.call(endpoints.credentials.disable, { params: { id: values.id } }));
  },
});

const enable = leaf({
  parameters: { id },
  examples: ["portcullis credentials enable cred_01jd"],
  async run(context, values) {
    const client = await connect(context);
    showCredential(context, await client.call(endpoints.credentials.enable, { params: { id: values.id } }));
  },
});

const remove = leaf({
  parameters: { id, yes: flag("--yes", "do not ask") },
  examples: ["portcullis credentials remove cred_01jd --yes"],
  async run(context, values) {
    await confirm(context, `delete the API key ${values.id} from the vault?`, values.yes);
    const client = await connect(context);
    await client.call(endpoints.credentials.remove, { params: { id: values.id } });
    context.show({ id: values.id, removed: true }, () => context.output.line(`removed ${values.id}`));
  },
});

export const credentials: Group = {
  commands: [
    { name: "list", summary: "list the API keys in the vault", load: () => list },
    { name: "add", summary: "put a provider's API key into the vault", load: () => add },
    { name: "test", summary: "ask the provider whether it accepts an API key", load: () => test },
    { name: "disable", summary: "stop using an API key", load: () => disable },
    { name: "enable", summary: "use an API key again", load: () => enable },
    { name: "remove", summary: "delete an API key", load: () => remove },
  ],
};

function showCredential({ show, output }: CommandContext, credential: Credential): void {
  show(credential, () =>
    output.record({
      id: credential.id,
      provider: credential.provider,
      label: credential.label,
      "ends in": credential.last_four,
      status: credential.status,
      test: describeTest(credential),
      weight: credential.weight,
      priority: credential.priority,
      expires: dayAndTime(credential.expires_at),
      "sealed to": credential.origins.join(", "),
    }),
  );
}

function describeTest({ test_ok: ok, test_error: error }: Credential): string {
  if (ok === null) return "not tested";
  return ok ? "ok" : `failed: ${error ?? "no reason given"}`;
}

function readExpiry(given: string | undefined): { expires_in?: string; expires_at?: string } {
  if (given === undefined) return {};
  if (parseDurationMs(given) !== undefined) return { expires_in: given.trim() };
  const time = Date.parse(given);
  if (!/^\d{4}-\d\d-\d\d/.test(given) || Number.isNaN(time)) {
    throw wrongUsage(`--expires must be a duration or a time, not \`${given}\``, "write 30d, or 2027-01-31T00:00:00Z");
  }
  return { expires_at: new Date(time).toISOString() };
}
