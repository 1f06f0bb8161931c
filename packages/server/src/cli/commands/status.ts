import { endpoints } from "@portcullis/contract";
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
      const { database, journal } = found;
      context.output.record({
        gateway: gatewayUrl(context).href,
        version: found.version,
        "up since": dayAndTime(found.started_at),
        owner: found.claimed ? "claimed" : "not claimed yet: run `portcullis setup`",
        vault: found.vault,
        database: database.ok ? database.engine : `${database.engine}, not answering`,
        journal: journal.problem ?? `${journal.waiting_rows} rows waiting`,
        "providers with a key": found.providers_with_keys.join(", "),
      });
    });
  },
});
