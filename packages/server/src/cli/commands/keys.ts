import { endpoints, type IssuedKey, type Key } from "@portcullis/contract";
import {
  argument,
  duration,
  flag,
  leaf,
  list,
  text,
  wrongUsage,
  type CommandContext,
  type Group,
  type ValuesOf,
} from "../command.ts";
import { confirm } from "../confirmation.ts";
import { exitCodes } from "../exit-codes.ts";
import { connect } from "../gateway.ts";
import { allPages } from "../pages.ts";
import { readSecret } from "../secret-input.ts";
import { dayAndTime } from "../table.ts";
import { askForKey } from "./key-questions.ts";

const id = argument("<id>", "the key's id");

/** What is said of a key when it is made, and can be said anew later. */
const description = {
  user: text("--user <name>", "the person it is for"),
  team: text("--team <name>", "the team it counts for"),
  service: text("--service <name>", "the program that uses it"),
  description: text("--description <text>", "a line to tell it by"),
  expires: duration("--expires <duration>", "how long it lives: 30d, 12h"),
  models: list("--models <patterns>", "models it may use, with commas between them: 'claude-*,gpt-5*'"),
  allowIp: list("--allow-ip <ranges>", "addresses it may be used from: 10.0.0.0/8"),
  passthrough: list("--passthrough <providers>", "providers whose own addresses it may call, under /providers/ID/"),
};

/** The same as the API takes it. */
function inputOf({ expires, allowIp, ...same }: ValuesOf<typeof description>) {
  return { ...same, expires_in: expires, allow_ip: allowIp };
}

function isEmpty(input: object): boolean {
  return Object.values(input).every((value) => value === undefined);
}

const create = leaf({
  parameters: {
    ...description,
    admin: flag("--admin", "a key for this command line and the admin API, not for models"),
  },
  examples: [
    "portcullis keys create --user ada --expires 30d",
    "portcullis keys create --service nightly --models 'claude-*,gpt-5*' --allow-ip 10.0.0.0/8 --json",
  ],
  async run(context, { admin, ...values }) {
    const given = inputOf(values);
    const isBare = !admin && isEmpty(given);
    const input = isBare && context.questions.interactive ? await askForKey(context.questions) : { ...given, admin };
    const client = await connect(context);
    showIssued(context, await client.call(endpoints.keys.create, { input }));
  },
});

const update = leaf({
  parameters: { id, ...description },
  examples: ["portcullis keys update k7f3q --models 'claude-*' --expires 30d"],
  async run(context, { id, ...values }) {
    const input = inputOf(values);
    if (isEmpty(input)) throw wrongUsage("there is nothing to change", "say what, for example --models 'claude-*'");
    const client = await connect(context);
    showKey(context, await client.call(endpoints.keys.update, { params: { id }, input }));
  },
});

const listAll = leaf({
  parameters: {},
  examples: ["portcullis keys list", "portcullis keys list --json"],
  async run(context) {
    const client = await connect(context);
    const data = await allPages((page) => client.call(endpoints.keys.list, { query: page }));
    context.show({ data, next_cursor: null }, () =>
      context.output.table(
        [
          { heading: "ID", value: (row: Key) => row.id },
          { heading: "KIND", value: (row) => row.kind },
          { heading: "USER", value: (row) => row.user },
          { heading: "TEAM", value: (row) => row.team },
          { heading: "SERVICE", value: (row) => row.service },
          { heading: "DESCRIPTION", value: (row) => row.description },
          { heading: "STATUS", value: (row) => row.status },
          { heading: "EXPIRES", value: (row) => dayAndTime(row.expires_at) },
        ],
        data,
      ),
    );
  },
});

const show = leaf({
  parameters: { id },
  examples: ["portcullis keys show k7f3q"],
  async run(context, values) {
    const client = await connect(context);
    showKey(context, await client.call(endpoints.keys.get, { params: { id: values.id } }));
  },
});

const disable = leaf({
  parameters: { id },
  examples: ["portcullis keys disable k7f3q"],
  async run(context, values) {
    const client = await connect(context);
    showKey(context, await client.call(endpoints.keys.disable, { params: { id: values.id } }));
  },
});

const enable = leaf({
  parameters: { id },
  examples: ["portcullis keys enable k7f3q"],
  async run(context, values) {
    const client = await connect(context);
    showKey(context, await client.call(endpoints.keys.enable, { params: { id: values.id } }));
  },
});

const rotate = leaf({
  parameters: {
    id,
    overlap: duration("--overlap <duration>", "how long the old key still opens; not at all unless given"),
  },
  examples: ["portcullis keys rotate k7f3q --overlap 1h"],
  async run(context, { id, overlap }) {
    const client = await connect(context);
    showIssued(context, await client.call(endpoints.keys.rotate, { params: { id }, input: { overlap } }));
  },
});

const remove = leaf({
  parameters: { id, yes: flag("--yes", "do not ask") },
  examples: ["portcullis keys delete k7f3q --yes"],
  async run(context, values) {
    await confirm(context, `delete the key ${values.id} for good?`, values.yes);
    const client = await connect(context);
    await client.call(endpoints.keys.remove, { params: { id: values.id } });
    context.show({ id: values.id, deleted: true }, () => context.output.line(`deleted ${values.id}`));
  },
});

const validate = leaf({
  parameters: { fromEnv: text("--from-env <name>", "read the key from this environment variable") },
  examples: ["portcullis keys validate", `printf %s "$KEY" | portcullis keys validate --json`],
  async run(context, { fromEnv }) {
    const client = await connect(context);
    const key = await readSecret(context, "key", fromEnv);
    if (key.length > 500)
      throw wrongUsage("this is too long to be a key", "give the key alone, as it was shown when it was made");
    const result = await client.call(endpoints.keys.validate, { input: { key } });
    const name = result.id === undefined ? "the key" : `the key ${result.id}`;
    context.show(result, () => {
      context.output.line(
        result.valid ? `${name} is valid` : `${name} is not valid: ${result.reason ?? "no reason given"}`,
      );
    });
    return result.valid ? exitCodes.done : exitCodes.refused;
  },
});

export const keys: Group = {
  commands: [
    { name: "create", summary: "make a key; without options it asks", load: () => create },
    { name: "list", summary: "list all keys", load: () => listAll },
    { name: "show", summary: "show a key, without its secret", load: () => show },
    { name: "update", summary: "change what a key may do", load: () => update },
    { name: "disable", summary: "refuse a key from now on", load: () => disable },
    { name: "enable", summary: "accept a disabled key again", load: () => enable },
    { name: "rotate", summary: "give a key a new secret", load: () => rotate },
    { name: "delete", summary: "delete a key for good", load: () => remove },
    { name: "validate", summary: "say whether a key would be accepted", load: () => validate },
  ],
};

/** Prints a new key, with the one remark that matters. */
export function showIssued(context: CommandContext, issued: IssuedKey): void {
  context.show(issued, () => context.output.record({ key: issued.key, ...describeKey(issued) }));
  context.output.note("the key is shown this once; keep it where it is safe");
}

function showKey({ show: print, output }: CommandContext, key: Key): void {
  print(key, () => output.record(describeKey(key)));
}

function describeKey(key: Key) {
  return {
    id: key.id,
    kind: key.kind,
    "ends in": key.last_four,
    user: key.user,
    team: key.team,
    service: key.service,
    description: key.description,
    models: key.models?.join(", ") ?? "all",
    "allowed from": key.allow_ip?.join(", ") ?? "anywhere",
    passthrough: key.passthrough?.join(", ") ?? "none",
    status: key.status,
    expires: key.expires_at === null ? "never" : dayAndTime(key.expires_at),
    made: `${dayAndTime(key.created_at)} by ${key.created_by}`,
  };
}
