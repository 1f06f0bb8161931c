import { endpoints, type AuditEvent } from "@portcullis/contract";
import { integer, leaf, type Group } from "../command.ts";
import { connect } from "../gateway.ts";
import { allPages } from "../pages.ts";
import { dayAndTime } from "../table.ts";

const tail = leaf({
  parameters: { limit: integer("--limit <number>", "how many events; 20 unless given") },
  examples: ["portcullis audit tail", "portcullis audit tail --limit 500 --json"],
  async run(context, { limit = 20 }) {
    const client = await connect(context);
    const data = await allPages((page) => client.call(endpoints.audit.list, { query: page }), limit);
    context.show({ data, next_cursor: null }, () =>
      context.output.table(
        [
          { heading: "AT", value: (row: AuditEvent) => dayAndTime(row.at) },
          { heading: "ACTOR", value: (row) => row.actor },
          { heading: "ACTION", value: (row) => row.action },
          { heading: "TARGET", value: (row) => row.target },
          { heading: "DETAIL", value: (row) => describeDetail(row.detail) },
        ],
        data.toReversed(), // the newest stands last, next to the prompt
      ),
    );
  },
});

export const audit: Group = {
  commands: [{ name: "tail", summary: "show the latest events", load: () => tail }],
};

function describeDetail(detail: AuditEvent["detail"]): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
