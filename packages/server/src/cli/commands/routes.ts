import { readFileSync } from "node:fs";
import { endpoints, type Route, type RouteExplanation } from "@portcullis/contract";
import { describe } from "../../kernel/errors.ts";
import { argument, flag, leaf, list, oneOf, text, wrongUsage, type CommandContext, type Group } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { exitCodes } from "../exit-codes.ts";
import { connect } from "../gateway.ts";
import { allPages } from "../pages.ts";
import { dayAndTime } from "../table.ts";

const name = argument("<name>", "what callers ask for; `*` stands for any run of characters");
const lossyChoices = ["allow", "deny"] as const;
const dialects = ["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"] as const;

const listAll = leaf({
  parameters: {},
  examples: ["portcullis routes list", "portcullis routes list --json"],
  async run(context) {
    const client = await connect(context);
    const data = await allPages((page) => client.call(endpoints.routes.list, { query: page }));
    context.show({ data, next_cursor: null }, () =>
      context.output.table(
        [
          { heading: "NAME", value: (row: Route) => row.name },
          { heading: "LEADS TO", value: describeTargets },
          { heading: "LOSSY", value: (row) => row.lossy },
          { heading: "DISPLAY NAME", value: (row) => row.display_name },
          { heading: "SOURCE", value: (row) => row.source },
        ],
        data,
      ),
    );
    for (const { problem } of data) if (problem !== null) context.output.note(problem);
  },
});

const tierNames = ["reasoning", "value"] as const;
type Tier = (typeof tierNames)[number];

const set = leaf({
  parameters: {
    name,
    target: argument("<target>", "the model, as provider/model; with --tier, the one for completion"),
    tier: list("--tier <tier=target>", "another model for a tier: reasoning=provider/model, value=provider/model"),
    lossy: oneOf("--lossy <policy>", "what happens to what cannot be translated without loss", lossyChoices),
    displayName: text("--display-name <text>", "a name for people, in lists of models"),
  },
  examples: [
    "portcullis routes set house openai/gpt-5",
    "portcullis routes set 'claude-*' openai/gpt-5-mini --tier reasoning=openai/gpt-5 --tier value=groq/llama-3.1-8b-instant",
  ],
  async run(context, { name, target, tier, lossy, displayName }) {
    const destination = tier === undefined ? { target } : { tiers: { completion: target, ...readTiers(tier) } };
    const client = await connect(context);
    const input = { ...destination, lossy, display_name: displayName };
    showRoute(context, await client.call(endpoints.routes.set, { params: { name }, input }));
  },
});

/** From `reasoning=openai/gpt-5`, `value=…`. */
function readTiers(given: readonly string[]): { readonly [Name in Tier]?: string } {
  const entries = given.map((item) => {
    const [, tier, target] = /^(\w+)=(.+)$/.exec(item) ?? [];
    const known = tierNames.find((each) => each === tier);
    if (known !== undefined && target !== undefined) return [known, target] as const;
    throw wrongUsage(
      `--tier must be like reasoning=provider/model or value=provider/model, not \`${item}\``,
      "the target in front is the one for completion",
    );
  });
  const tiers = Object.fromEntries(entries);
  if (Object.keys(tiers).length === entries.length) return tiers;
  throw wrongUsage("--tier names a tier twice", "give each tier once");
}

const show = leaf({
  parameters: { name },
  examples: ["portcullis routes show house"],
  async run(context, values) {
    const client = await connect(context);
    showRoute(context, await client.call(endpoints.routes.get, { params: { name: values.name } }));
  },
});

const remove = leaf({
  parameters: { name, yes: flag("--yes", "do not ask") },
  examples: ["portcullis routes remove house --yes"],
  async run(context, values) {
    await confirm(context, `delete the route ${values.name}?`, values.yes);
    const client = await connect(context);
    await client.call(endpoints.routes.remove, { params: { name: values.name } });
    context.show({ name: values.name, removed: true }, () => context.output.line(`removed ${values.name}`));
  },
});

const explain = leaf({
  parameters: {
    model: argument("<model>", "what a caller would ask for"),
    dialect: oneOf("--dialect <dialect>", "what the caller speaks", dialects),
    thinking: flag("--thinking", "with thinking turned on"),
    key: text("--key <id>", "whether this key may do it"),
    request: text("--request <file>", "the body of a request, to see what translation leaves out"),
  },
  examples: [
    "portcullis routes explain claude-sonnet-4-5 --dialect anthropic-messages --thinking",
    "portcullis routes explain openai/gpt-5.5 --dialect anthropic-messages --request body.json",
    "portcullis routes explain house --key k7f3q --json",
  ],
  async run(context, { model, dialect, thinking, key, request }) {
    const client = await connect(context);
    const body = request === undefined ? undefined : readRequest(request);
    const input = { model, dialect, thinking, key_id: key, ...(body !== undefined && { request: body }) };
    const found = await client.call(endpoints.routes.explain, { input });
    context.show(found, () => showExplanation(context, found));
    if (found.problem === null) return exitCodes.done;
    return found.allowed === false ? exitCodes.refused : exitCodes.failed;
  },
});

export const routes: Group = {
  commands: [
    { name: "list", summary: "list all routes", load: () => listAll },
    { name: "show", summary: "show where a route leads", load: () => show },
    { name: "set", summary: "lead a name to a model", load: () => set },
    { name: "remove", summary: "delete a route", load: () => remove },
    { name: "explain", summary: "say where a request would go, without sending one", load: () => explain },
  ],
};

const lossWords = { dropped: "left out", changed: "changed", hint: "not passed on" } as const;

const requestAdvice = "name a file with the body of one request";

function readRequest(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw wrongUsage(`${file} cannot be read as JSON: ${describe(cause)}`, requestAdvice);
  }
  throw wrongUsage(`${file} holds no JSON object`, requestAdvice);
}

function describeTargets({ targets, tiers }: Route): string {
  if (tiers === null) return (targets ?? []).join(", ");
  const given = [tiers.completion, ...tierNames.map((tier) => tiers[tier] && `${tier}=${tiers[tier]}`)];
  return given.filter((each) => each !== null).join(", ");
}

function showRoute(context: CommandContext, route: Route): void {
  context.show(route, () =>
    context.output.record({
      name: route.name,
      ...(route.tiers === null ? { "leads to": describeTargets(route) } : route.tiers),
      lossy: route.lossy ?? "as `translation.lossy` says",
      "display name": route.display_name,
      source: route.source,
      made: dayAndTime(route.created_at),
      changed: dayAndTime(route.updated_at),
    }),
  );
  if (route.problem !== null) context.output.note(route.problem);
}

function showExplanation({ output }: CommandContext, found: RouteExplanation): void {
  const { target, price_micros_per_mtok: price } = found;
  const dollars = (micros: number): string => `$${micros / 1e6}`;
  output.record({
    model: found.model,
    route: found.route,
    tier: found.tier,
    target: target && `${target.provider}/${target.model}`,
    asked: found.dialect,
    called: found.upstream_dialect && `${found.upstream_dialect}${found.translated ? " (translated)" : ""}`,
    ...(found.translated && { "what is lost": found.lossy === "deny" ? "makes it refused" : "is left out, and named" }),
    credential: found.credential,
    price: price && `${dollars(price.input)} in, ${dollars(price.output)} out, per million tokens`,
    ...(found.allowed !== null && { allowed: found.allowed ? "yes" : "no" }),
  });
  for (const note of notesOn(found)) output.note(note);
}

function notesOn({ losses, problem }: RouteExplanation): readonly string[] {
  const lost = (losses ?? []).map(({ path, kind, why }) => `${lossWords[kind]} ${path}: ${why}`);
  return [...lost, problem?.detail, problem?.hint].filter((text) => typeof text === "string");
}
