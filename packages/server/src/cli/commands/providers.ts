import { endpoints, type Provider, type TestResult } from "@portcullis/contract";
import { argument, flag, leaf, list, oneOf, text, wrongUsage, type CommandContext, type Group } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { exitCodes } from "../exit-codes.ts";
import { connect } from "../gateway.ts";
import { readSecret } from "../secret-input.ts";

const id = argument("<id>", "the provider's id");
const dialects = [
  "anthropic-messages",
  "gemini",
  "ollama",
  "openai-chat",
  "openai-responses",
] as const satisfies readonly Provider["dialect"][];

const listAll = leaf({
  parameters: { withKeys: flag("--with-keys", "only those that have a usable key") },
  examples: ["portcullis providers list", "portcullis providers list --with-keys --json"],
  async run(context, { withKeys }) {
    const client = await connect(context);
    const found = await client.call(withKeys ? endpoints.providers.withKeys : endpoints.providers.list);
    context.show(found, () =>
      context.output.table(
        [
          { heading: "ID", value: (row: Provider) => row.id },
          { heading: "NAME", value: (row) => row.display_name },
          { heading: "DIALECT", value: (row) => row.dialects.join(", ") },
          { heading: "KEY", value: (row) => row.has_api_key },
          { heading: "HEALTH", value: (row) => row.health },
          { heading: "MODELS", value: (row) => row.models.length, align: "right" },
          { heading: "ADDRESS", value: (row) => row.base_url },
        ],
        found,
      ),
    );
  },
});

const show = leaf({
  parameters: { id },
  examples: ["portcullis providers show openai"],
  async run(context, values) {
    const client = await connect(context);
    showProvider(context, await client.call(endpoints.providers.get, { params: { id: values.id } }));
  },
});

const add = leaf({
  parameters: {
    id: argument("<id>", "a name for it, as in `id/model`"),
    baseUrl: text("--base-url <url>", "where it answers (needed)"),
    dialect: oneOf("--dialect <name>", "the dialect it speaks", dialects),
    name: text("--name <text>", "a name for people"),
    models: list("--models <names>", "models it serves, with commas between them"),
    allowPrivate: flag("--allow-private", "it is on a private network, plain http is meant"),
  },
  examples: ["portcullis providers add box --dialect openai-chat --base-url http://192.168.1.20:8000 --allow-private"],
  async run(context, { id, baseUrl, dialect, name, models, allowPrivate }) {
    if (baseUrl === undefined)
      throw wrongUsage("--base-url is missing", "say where the provider answers: --base-url https://…");
    const client = await connect(context);
    const input = { id, base_url: baseUrl, dialect, display_name: name, models, allow_private: allowPrivate };
    const made = await client.call(endpoints.providers.create, { input });
    showProvider(context, made);
    if (!made.has_api_key) context.output.note(`next: portcullis credentials add ${made.id}`);
  },
});

const update = leaf({
  parameters: {
    id,
    baseUrl: text("--base-url <url>", "its new address; a provider with keys needs its key again with it"),
    name: text("--name <text>", "a name for people"),
    readKey: flag("--read-key", "read its API key from a prompt or standard input"),
    fromEnv: text("--from-env <name>", "read its API key from this environment variable"),
    clearKey: flag("--clear-key", "remove its API key"),
    yes: flag("--yes", "remove the key without asking"),
  },
  examples: ["portcullis providers update box --base-url https://box.lan --from-env BOX_KEY"],
  async run(context, { id, baseUrl, name, readKey, fromEnv, clearKey, yes }) {
    const setsKey = readKey || fromEnv !== undefined;
    if (clearKey && setsKey) throw wrongUsage("--clear-key and a new key exclude each other", "give one of them");
    if (!clearKey && !setsKey && baseUrl === undefined && name === undefined) {
      throw wrongUsage(
        "there is nothing to change",
        "say what: --base-url, --name, --read-key, --from-env or --clear-key",
      );
    }
    if (clearKey) await confirm(context, `remove the API key of ${id}?`, yes);
    const apiKey = clearKey ? null : setsKey ? await readSecret(context, `API key of ${id}`, fromEnv) : undefined;
    const client = await connect(context);
    const input = { base_url: baseUrl, display_name: name, api_key: apiKey };
    showProvider(context, await client.call(endpoints.providers.update, { params: { id }, input }));
  },
});

const remove = leaf({
  parameters: { id, yes: flag("--yes", "do not ask") },
  examples: ["portcullis providers remove box --yes"],
  async run(context, { id, yes }) {
    await confirm(context, `remove the provider ${id} with its keys and models?`, yes);
    const client = await connect(context);
    await client.call(endpoints.providers.remove, { params: { id } });
    context.show({ id, removed: true }, () => context.output.line(`removed ${id}`));
  },
});

const test = leaf({
  parameters: {
    id,
    readKey: flag("--read-key", "test an API key from a prompt or standard input, not the stored one"),
    fromEnv: text("--from-env <name>", "test the API key in this environment variable"),
  },
  examples: ["portcullis providers test openai", "portcullis providers test openai --from-env OPENAI_API_KEY"],
  async run(context, { id, readKey, fromEnv }) {
    const given = readKey || fromEnv !== undefined;
    const apiKey = given ? await readSecret(context, `API key of ${id}`, fromEnv) : undefined;
    const client = await connect(context);
    const result = await client.call(endpoints.providers.test, { params: { id }, input: { api_key: apiKey } });
    return showTest(context, id, result);
  },
});

const models = leaf({
  parameters: { id, refresh: flag("--refresh", "read the provider's own list first") },
  examples: ["portcullis providers models openai", "portcullis providers models box --refresh"],
  async run(context, { id, refresh }) {
    const client = await connect(context);
    if (refresh) {
      const { added, removed } = await client.call(endpoints.models.refresh, { params: { id } });
      context.output.note(`${added} added, ${removed} removed`);
    }
    const found = await client.call(endpoints.models.list, { params: { id } });
    context.show(found, () =>
      context.output.table(
        [
          { heading: "MODEL", value: (row: (typeof found)[number]) => row.name },
          { heading: "NAME", value: (row) => row.display_name },
          { heading: "CONTEXT", value: (row) => row.context_tokens, align: "right" },
          { heading: "INPUT $/M", value: (row) => dollars(row.price_micros_per_mtok?.input), align: "right" },
          { heading: "OUTPUT $/M", value: (row) => dollars(row.price_micros_per_mtok?.output), align: "right" },
          { heading: "FROM", value: (row) => row.source },
        ],
        found,
      ),
    );
  },
});

export const providers: Group = {
  commands: [
    { name: "list", summary: "list all providers", load: () => listAll },
    { name: "show", summary: "show a provider", load: () => show },
    { name: "add", summary: "add a provider of your own", load: () => add },
    { name: "update", summary: "change a provider's address, name or key", load: () => update },
    { name: "remove", summary: "remove a provider of your own", load: () => remove },
    { name: "test", summary: "test a provider with its key", load: () => test },
    { name: "models", summary: "list a provider's models", load: () => models },
  ],
};

function showProvider({ show: print, output }: CommandContext, provider: Provider): void {
  print(provider, () =>
    output.record({
      id: provider.id,
      name: provider.display_name,
      address: provider.base_url,
      dialects: provider.dialects.join(", "),
      "own provider": provider.custom,
      "private network": provider.allow_private,
      "API key": provider.has_api_key,
      health: provider.health,
      models: provider.models.map((model) => model.name).join(", "),
    }),
  );
}

/** Prints what a test call found, and turns it into an exit code. */
export function showTest({ show: print, output }: CommandContext, name: string, result: TestResult): number {
  print(result, () =>
    output.line(
      result.ok
        ? `${name} accepts the key: ${result.models} models, ${result.latency_ms} ms`
        : `${name} failed: ${result.error ?? "no reason given"}`,
    ),
  );
  return result.ok ? exitCodes.done : exitCodes.failed;
}

function dollars(micros: number | undefined): string | undefined {
  return micros === undefined ? undefined : (micros / 1_000_000).toFixed(2);
}
