import { createClient, PortcullisError, type Client } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { flag, leaf, text, wrongUsage, type CommandContext } from "../command.ts";
import { adminToken, connect, gatewayUrl } from "../gateway.ts";
import { readSecret } from "../secret-input.ts";
import { askForKey } from "./key-questions.ts";

/** What a run of `setup` did, as `--json` prints it. */
interface Done {
  owner?: { readonly id: string; readonly name: string };
  /** Only in the run that claims the instance. */
  admin_key?: string;
  credential?: { readonly id: string; readonly provider: string };
  key?: { readonly id: string; readonly key: string };
}

export const setup = leaf({
  parameters: {
    name: text("--name <name>", "the owner's name"),
    fromEnv: text("--from-env <name>", "read the setup code from this environment variable"),
    provider: text("--provider <id>", "add an API key of this provider"),
    providerKeyEnv: text("--provider-key-env <name>", "read that API key from this environment variable"),
    createKey: flag("--create-key", "make a first key for callers"),
  },
  examples: [
    "portcullis setup",
    "portcullis setup --name ada --provider openai --provider-key-env OPENAI_API_KEY --create-key --json",
    "portcullis setup --url http://gateway.lan:8484 --name ada --from-env SETUP_CODE",
  ],
  async run(context, options) {
    const done: Done = {};
    const client = await claim(context, options, done);
    await addProviderKey(context, client, options, done);
    await makeFirstKey(context, client, options.createKey, done);
    context.show(done, () => context.output.record(describeDone(done)));
    if (done.admin_key !== undefined) {
      context.output.note(
        "the admin key is shown this once; set PORTCULLIS_ADMIN_TOKEN to it to administer from elsewhere",
      );
    }
    if (done.key !== undefined) context.output.note("the key is shown this once; keep it where it is safe");
  },
});

/** Makes the caller the owner, unless there is one, and resolves to a client with the right to go on. */
async function claim(
  context: CommandContext,
  options: { name: string | undefined; fromEnv: string | undefined },
  done: Done,
): Promise<Client> {
  const { questions } = context;
  const token = await adminToken(context);
  const client = await connect(context);
  const isAdmin = token !== undefined && options.fromEnv === undefined;
  if (isAdmin && (await client.call(endpoints.status.get)).claimed) {
    context.output.note("this gateway has its owner already");
    return client;
  }
  if (!isAdmin) await assertReachable(client);
  const code = isAdmin
    ? undefined
    : await readSecret(context, "setup code (it is on the gateway's terminal)", options.fromEnv);
  const name =
    options.name ?? (questions.interactive ? await questions.text("your name", { required: true }) : undefined);
  if (name === undefined) throw wrongUsage("--name is missing", "say who owns this gateway: --name ada");
  const { owner, admin_key: adminKey } = await client.call(endpoints.setup.claim, { input: { code, name } });
  Object.assign(done, { owner, admin_key: adminKey });
  return createClient({ baseUrl: gatewayUrl(context).href, token: adminKey });
}

/** So that nobody types a code for a gateway that is not there. */
async function assertReachable(client: Client): Promise<void> {
  try {
    await client.call(endpoints.status.get);
  } catch (thrown) {
    if (!(thrown instanceof PortcullisError) || thrown.status === 0) throw thrown;
  }
}

async function addProviderKey(
  context: CommandContext,
  client: Client,
  options: { provider: string | undefined; providerKeyEnv: string | undefined },
  done: Done,
): Promise<void> {
  const provider = options.provider ?? (await chooseProvider(context, client));
  if (provider === undefined) return;
  const value = await readSecret(context, `API key of ${provider}`, options.providerKeyEnv);
  const { id } = await client.call(endpoints.credentials.create, { input: { provider, value, test: true } });
  done.credential = { id, provider };
}

async function chooseProvider({ questions }: CommandContext, client: Client): Promise<string | undefined> {
  if (!questions.interactive || !(await questions.confirm("add a provider's API key now?", true))) return undefined;
  const all = await client.call(endpoints.providers.list);
  return questions.select(
    "of which provider?",
    all.map((provider) => ({
      value: provider.id,
      label: provider.display_name,
      hint: provider.has_api_key ? "has a key" : provider.base_url,
    })),
  );
}

async function makeFirstKey({ questions }: CommandContext, client: Client, wanted: boolean, done: Done): Promise<void> {
  if (!wanted && !(questions.interactive && (await questions.confirm("make a first key for a caller?", true)))) return;
  const input = questions.interactive ? await askForKey(questions) : { description: "first key" };
  const { id, key } = await client.call(endpoints.keys.create, { input });
  done.key = { id, key };
}

function describeDone(done: Done) {
  return {
    owner: done.owner?.name ?? "as before",
    ...(done.admin_key === undefined ? {} : { "admin key": done.admin_key }),
    "provider key":
      done.credential === undefined ? "none added" : `${done.credential.provider} (${done.credential.id})`,
    "caller's key": done.key?.key ?? "none made",
  };
}
