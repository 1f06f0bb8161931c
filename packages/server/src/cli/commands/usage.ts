import { endpoints, type RequestRow, type UsageGroup, type UsageRow } from "@portcullis/contract";
import { flag, integer, leaf, oneOf, text, wrongUsage, type CommandContext } from "../command.ts";
import { formatUsd } from "../../kernel/money.ts";
import { confirm } from "../confirmation.ts";
import { connect } from "../gateway.ts";
import { allPages } from "../pages.ts";
import { dayAndTime, type Column } from "../table.ts";

const groups = [
  "key",
  "user",
  "team",
  "service",
  "model",
  "provider",
  "credential",
  "session",
  "route",
  "dialect",
  "outcome",
] as const satisfies readonly UsageGroup[];

export const usage = leaf({
  parameters: {
    by: oneOf("--by <group>", "what to sum up by; model unless given", groups),
    requests: flag("--requests", "list single requests, newest first"),
    limit: integer("--limit <number>", "how many requests to list; 50 unless given"),
    request: text("--request <id>", "show one request"),
    recompute: flag("--recompute", "charge requests anew, at today's prices"),
    dryRun: flag("--dry-run", "with --recompute: only tell what would change"),
    yes: flag("--yes", "with --recompute: do not ask"),
    since: text("--since <when>", "from this time on: 24h, 2026-01-31; the last 24 hours unless given"),
    until: text("--until <when>", "up to this time"),
    key: text("--key <id>", "only this key"),
    user: text("--user <name>", "only this user"),
    team: text("--team <name>", "only this team"),
    service: text("--service <name>", "only this service"),
    model: text("--model <name>", "only this model"),
    provider: text("--provider <id>", "only this provider"),
    credential: text("--credential <id>", "only this credential"),
    session: text("--session <id>", "only this session"),
    route: text("--route <path>", "only this route, such as /v1/messages"),
    dialect: text("--dialect <id>", "only this dialect"),
    outcome: text(
      "--outcome <outcome>",
      "only what ended so: ok, upstream_error, refused, aborted, timeout, broken, interrupted",
    ),
    csv: flag("--csv", "print comma-separated values"),
  },
  examples: [
    "portcullis usage --by user --since 30d",
    "portcullis usage --by key --csv > usage.csv",
    "portcullis usage --requests --limit 20",
    "portcullis usage --recompute --since 30d --provider openai",
  ],
  async run(context, { by, requests, limit, request, csv, recompute, dryRun, yes, since = "24h", ...rest }) {
    if (csv && context.globals.json === true)
      throw wrongUsage("--csv and --json exclude each other", "give one of them");
    if (requests && by !== undefined) throw wrongUsage("--by and --requests exclude each other", "give one of them");
    if (recompute) return chargeAnew(context, { ...rest, since }, { dryRun, yes });
    if (dryRun || yes) throw wrongUsage("--dry-run and --yes go with --recompute", "add it, or leave them out");
    if (request !== undefined) return showRequest(context, request);
    if (requests) return showRequests(context, { ...rest, since }, limit ?? 50, csv);
    return showSums(context, { ...rest, since, by: by ?? "model" }, csv);
  },
});

interface Filter {
  readonly since: string;
  readonly until: string | undefined;
  readonly key: string | undefined;
  readonly user: string | undefined;
  readonly team: string | undefined;
  readonly service: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly credential: string | undefined;
  readonly session: string | undefined;
  readonly route: string | undefined;
  readonly dialect: string | undefined;
  readonly outcome: string | undefined;
}

async function showSums(
  context: CommandContext,
  query: Filter & { readonly by: UsageGroup },
  csv: boolean,
): Promise<void> {
  const client = await connect(context);
  const found = await client.call(endpoints.usage.sum, { query });
  const { by } = query;
  if (csv) {
    const counts = [
      "requests",
      "errors",
      "input_tokens",
      "output_tokens",
      "cache_read_tokens",
      "cache_write_tokens",
    ] as const;
    const media = [
      "input_audio_tokens",
      "output_audio_tokens",
      "input_image_tokens",
      "output_image_tokens",
      "images",
      "characters",
      "audio_ms",
      "searches",
    ] as const;
    context.output.csv([by, ...counts, "reasoning_tokens", "cost_usd", "unpriced_requests", ...media], found.data);
    return;
  }
  const columns: Column<UsageRow>[] = [
    { heading: by.toUpperCase(), value: (row) => row[by] },
    number("REQUESTS", (row) => row.requests),
    number("ERRORS", (row) => row.errors),
    number("INPUT", (row) => row.input_tokens),
    number("OUTPUT", (row) => row.output_tokens),
    number("CACHE READ", (row) => row.cache_read_tokens),
    number("CACHE WRITE", (row) => row.cache_write_tokens),
    number("COST", showCost),
  ];
  if (found.data.some((row) => row.unpriced_requests > 0))
    columns.push(number("UNPRICED", (row) => row.unpriced_requests));
  context.show(found, () => context.output.table(columns, found.data));
}

async function showRequests(context: CommandContext, filter: Filter, limit: number, csv: boolean): Promise<void> {
  const client = await connect(context);
  const data = await allPages((page) => client.call(endpoints.requests.list, { query: { ...filter, ...page } }), limit);
  if (csv) {
    const [first] = data;
    if (first !== undefined) context.output.csv(Object.keys(first) as (keyof RequestRow)[], data.map(flat));
    return;
  }
  context.show({ data, next_cursor: null }, () =>
    context.output.table(
      [
        { heading: "STARTED", value: (row: RequestRow) => dayAndTime(row.started_at) },
        { heading: "KEY", value: (row) => row.key_id },
        { heading: "MODEL", value: (row) => row.model ?? row.requested_model },
        { heading: "PROVIDER", value: (row) => row.provider },
        { heading: "OUTCOME", value: (row) => row.error_code ?? row.outcome },
        { heading: "INPUT", value: (row) => row.input_tokens, align: "right" },
        { heading: "OUTPUT", value: (row) => row.output_tokens, align: "right" },
        {
          heading: "COST",
          value: (row) => (row.cost_micros === null ? null : formatUsd(row.cost_micros)),
          align: "right",
        },
        { heading: "MS", value: (row) => row.latency_ms, align: "right" },
        { heading: "REQUEST", value: (row) => row.request_id },
      ],
      data,
    ),
  );
}

async function showRequest(context: CommandContext, id: string): Promise<void> {
  const client = await connect(context);
  const row = await client.call(endpoints.requests.get, { params: { id } });
  context.show(row, () => context.output.record(flat(row)));
}

/** A row whose list of what was dropped is one text: `temperature (dropped), top_k (changed)`. */
function flat(row: RequestRow): Omit<RequestRow, "dropped"> & { readonly dropped: string | null } {
  const dropped = row.dropped?.map(({ path, kind }) => (kind === "more" ? path : `${path} (${kind})`)).join(", ");
  return { ...row, dropped: dropped ?? null };
}

/** Tells what would change, and asks, before it changes anything. */
async function chargeAnew(
  context: CommandContext,
  { since, until, provider, model, ...others }: Filter,
  { dryRun, yes }: { readonly dryRun: boolean; readonly yes: boolean },
): Promise<void> {
  if (Object.values(others).some((value) => value !== undefined))
    throw wrongUsage("what is charged anew is chosen by time, provider and model alone", "leave the other options out");
  const client = await connect(context);
  const input = { since, until, provider, model };
  const run = (dry: boolean) => client.call(endpoints.usage.recompute, { input: { ...input, dry_run: dry } });
  const show = (found: Awaited<ReturnType<typeof run>>): void =>
    context.show(found, () =>
      context.output.record({
        requests: found.rows,
        [dryRun ? "would change" : "changed"]: found.changed,
        "cost before": formatUsd(Math.round(found.before_cost_usd * 1_000_000)),
        "cost after": formatUsd(Math.round(found.after_cost_usd * 1_000_000)),
      }),
    );
  if (dryRun) return show(await run(true));
  if (!yes) {
    const { rows, changed, after_cost_usd: after } = await run(true);
    const cost = formatUsd(Math.round(after * 1_000_000));
    await confirm(context, `Charge ${changed} of ${rows} requests anew? All of them then cost ${cost}.`, yes);
  }
  show(await run(false));
}

/** Not a cost of zero where no price is known. */
function showCost(row: UsageRow): string | null {
  return row.unpriced_requests === row.requests ? null : formatUsd(Math.round(row.cost_usd * 1_000_000));
}

function number(heading: string, value: Column<UsageRow>["value"]): Column<UsageRow> {
  return { heading, value, align: "right" };
}
