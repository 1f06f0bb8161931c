import { endpoints, type Status } from "@portcullis/contract";
import { leaf } from "../command.ts";
import { connect, gatewayUrl } from "../gateway.ts";
import { dayAndTime } from "../table.ts";

export const status = leaf({
  parameters: {},
  examples: ["portcullis status", "portcullis status --url http://gateway.lan:8484 --json"],
  async run(context) {
    const client = await connect(context);
    const found = await client.call(endpoints.status.get);
    context.show(found, () => {
      const { config, database, journal, requests } = found;
      context.output.record({
        gateway: gatewayUrl(context).href,
        version: found.version,
        "up since": dayAndTime(found.started_at),
        owner: found.claimed ? "claimed" : "not claimed yet: run `portcullis setup`",
        configuration: config.file ?? "no file",
        "not in force": config.problem ?? "",
        vault: found.vault,
        database: database.ok ? database.engine : `${database.engine}, not answering`,
        journal: journal.problem ?? `${journal.waiting_rows} rows waiting`,
        requests: requests === null ? "not counted yet" : describeRequests(requests),
        ...Object.fromEntries(found.sources.map((source) => [`source ${source.kind}`, describeSource(source)])),
        "providers with a key": found.providers_with_keys.join(", "),
      });
    });
  },
});

function describeRequests({ rows, bytes, dropped_rows: dropped }: NonNullable<Status["requests"]>): string {
  const kept = `${rows} kept, about ${Math.ceil(bytes / 1_048_576)} MiB`;
  return dropped === 0 ? kept : `${kept}; ${dropped} deleted because there was no room (usage.requests_max_bytes)`;
}

function describeSource({ ok, cached, age_ms: age, problem }: Status["sources"][number]): string {
  const values = cached === 1 ? "1 value" : `${cached} values`;
  const oldest = age === null ? values : `${values}, the oldest read ${Math.round(age / 1_000)} s ago`;
  return ok ? oldest : `failing: ${problem ?? ""}; ${oldest}`;
}
