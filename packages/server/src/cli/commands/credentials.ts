import { endpoints, type Credential } from "@portcullis/contract";
import { parseDurationMs } from "../../kernel/clock.ts";
import {
  argument,
  duration,
  flag,
  integer,
  leaf,
  text,
  wrongUsage,
  type CommandContext,
  type Group,
} from "../command.ts";
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
          { heading: "KEY", value: describeKey },
          { heading: "STATE", value: (row) => row.state },
          { heading: "TEST", value: describeTest },
          { heading: "EXPIRES", value: (row) => dayAndTime(row.expires_at) },
          { heading: "LAST USE", value: (row) => dayAndTime(row.usage?.last_used_at) },
          { heading: "24H", value: (row) => row.usage?.requests, align: "right" },
          { heading: "ERRORS", value: (row) => row.usage?.errors, align: "right" },
        ],
        data,
      ),
    );
    for (const row of data) {
      const advice = adviceOn(row);
      if (advice !== undefined) context.output.note(`${row.id}: ${advice}`);
    }
  },
});

const show = leaf({
  parameters: { id },
  examples: ["portcullis credentials show cred_01jd"],
  async run(context, values) {
    const client = await connect(context);
    showCredential(context, await client.call(endpoints.credentials.get, { params: { id: values.id } }));
  },
});

const settings = {
  label: text("--label <text>", "a name to tell it by"),
  weight: integer("--weight <number>", "its share of the traffic among keys of the same priority"),
  priority: integer("--priority <number>", "lower numbers are used first"),
};

const untested = (form: string, summary: string) => ({
  ...flag(form, summary),
  parse: (raw: unknown) => raw !== false,
});

const add = leaf({
  parameters: {
    provider: argument("<provider>", "the provider's id"),
    ...settings,
    expires: text("--expires <when>", "after a duration like 30d, or at a time like 2027-01-31T00:00:00Z"),
    fromEnv: text("--from-env <name>", "read the API key from this environment variable"),
    reference: text("--reference <reference>", "keep where the key lies, not the key: vault:secret/data/openai#key"),
    test: untested("--no-test", "store it without asking the provider whether it accepts it"),
  },
  examples: [
    "portcullis credentials add openai",
    `printf %s "$KEY" | portcullis credentials add openai --label team --no-test`,
    "portcullis credentials add openai --reference vault:secret/openai#api_key",
  ],
  async run(context, { provider, expires, fromEnv, reference, ...given }) {
    if (reference !== undefined && fromEnv !== undefined)
      throw wrongUsage("--reference and --from-env exclude each other", "give one of them");
    const expiry = readExpiry(expires);
    const client = await connect(context);
    const key =
      reference === undefined ? { value: await readSecret(context, `API key of ${provider}`, fromEnv) } : { reference };
    const input = { provider, ...key, ...given, ...expiry };
    showCredential(context, await client.call(endpoints.credentials.create, { input }));
  },
});

const update = leaf({
  parameters: {
    id,
    ...settings,
    expires: text("--expires <when>", "as for `credentials add`, or `never`"),
  },
  examples: [
    "portcullis credentials update cred_01jd --weight 3",
    "portcullis credentials update cred_01jd --expires 90d",
  ],
  async run(context, { id, expires, ...given }) {
    const expiry = expires?.trim() === "never" ? { expires_at: null } : readExpiry(expires);
    const input = { ...given, ...expiry };
    if (Object.values(input).every((value) => value === undefined))
      throw wrongUsage("there is nothing to change", "say what: --label, --weight, --priority or --expires");
    const client = await connect(context);
    showCredential(context, await client.call(endpoints.credentials.update, { params: { id }, input }));
  },
});

const rotate = leaf({
  parameters: {
    id,
    overlap: duration(
      "--overlap <duration>",
      "how long the old key comes back by itself if the provider refuses the new one; not at all unless given",
    ),
    expires: text("--expires <when>", "when the new key expires; never unless given"),
    fromEnv: text("--from-env <name>", "read the new API key from this environment variable"),
    test: untested("--no-test", "put it in force without asking the provider whether it accepts it"),
  },
  examples: ["portcullis credentials rotate cred_01jd --overlap 1h"],
  async run(context, { id, overlap, expires, fromEnv, test }) {
    const expiry = readExpiry(expires);
    const client = await connect(context);
    const value = await readSecret(context, `new API key for ${id}`, fromEnv);
    const input = { value, overlap, test, ...expiry };
    showCredential(context, await client.call(endpoints.credentials.rotate, { params: { id }, input }));
  },
});

const reveal = leaf({
  parameters: { id },
  examples: ["portcullis credentials reveal cred_01jd"],
  async run(context, values) {
    const client = await connect(context);
    const revealed = await client.call(endpoints.credentials.reveal, { params: { id: values.id } });
    context.show(revealed, () => context.output.line(revealed.value));
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
    { name: "show", summary: "show what is known of an API key", load: () => show },
    { name: "add", summary: "put a provider's API key into the vault", load: () => add },
    { name: "update", summary: "change an API key's label, weight, priority or expiry", load: () => update },
    { name: "rotate", summary: "put a new API key in the place of the present one", load: () => rotate },
    { name: "test", summary: "ask the provider whether it accepts an API key", load: () => test },
    { name: "disable", summary: "stop using an API key", load: () => disable },
    { name: "enable", summary: "use an API key again", load: () => enable },
    { name: "remove", summary: "delete an API key", load: () => remove },
    { name: "reveal", summary: "print an API key, where the gateway allows it", load: () => reveal },
  ],
};

function showCredential({ show, output }: CommandContext, credential: Credential): void {
  const { previous, usage, reference } = credential;
  show(credential, () =>
    output.record({
      id: credential.id,
      provider: credential.provider,
      label: credential.label,
      [reference === null ? "ends in" : "read from"]: reference ?? credential.last_four,
      state: credential.state,
      test: describeTest(credential),
      weight: credential.weight,
      priority: credential.priority,
      expires: dayAndTime(credential.expires_at),
      "sealed to": credential.origins.join(", "),
      ...(previous !== null && {
        "key before": `ends in ${previous.last_four}, may come back until ${dayAndTime(previous.until)}`,
      }),
      ...(usage !== null && {
        "last 24 hours": `${usage.requests} requests, ${usage.errors} errors`,
        "last use": dayAndTime(usage.last_used_at),
      }),
    }),
  );
  const advice = adviceOn(credential);
  if (advice !== undefined) output.note(advice);
}

function describeKey({ reference, last_four: lastFour }: Credential): string {
  return reference ?? (lastFour === "" ? "" : `…${lastFour}`);
}

/** What to do about one that is not as it should be. */
function adviceOn({ id, state, provider, origins, reference }: Credential): string | undefined {
  const again = reference === null ? `\`portcullis credentials rotate ${id}\`` : "`credentials remove` and `add`";
  switch (state) {
    case "wrong_origin":
      return `the key was given for ${origins.join(", ")}, and ${provider} has another address now; give it again with ${again}, or put the address back`;
    case "refused":
      return `${provider} refused the key in traffic; see \`portcullis credentials test ${id}\``;
    case "failing":
      return `scheduled tests of the key keep failing; see \`portcullis credentials test ${id}\``;
    case "rolled_back":
      return `${provider} refused the new key, and the one before is in force again; \`portcullis credentials rotate ${id}\` takes another`;
    case "unreadable":
      return `its sealed record is missing or was changed; give the key again with ${again}`;
    case "source_failed":
      return "what its reference names cannot be read; see `portcullis status`";
    case "expired":
      return `give it a new key with ${again}`;
    case "sealed":
      return "the vault is sealed; `portcullis vault unseal`";
    case "usable":
    case "disabled":
      return undefined;
  }
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
