import type { ExchangeSpec } from "../exchanges.ts";
import { afterWarmUp, measureOpen } from "../loop.ts";
import { withSession } from "../session.ts";
import { portcullisAs } from "../systems/portcullis.ts";
import type { System } from "../systems/system.ts";
import * as columns from "./columns.ts";
import type { Reading, Scenario } from "./scenario.ts";

const perSecond = 2_000;
const chat: ExchangeSpec = { kind: "small", dialect: "openai-chat" };
const chatStream: ExchangeSpec = { kind: "stream", dialect: "openai-chat", events: 100, perChunk: 10 };

/** Each differs from the one a user gets in one thing. */
const variants: readonly System[] = [
  portcullisAs({
    name: "portcullis, no usage asked of streams",
    features: "`usage.include_stream_usage: false`",
    settings: { PORTCULLIS_USAGE_INCLUDE_STREAM_USAGE: "false" },
  }),
  portcullisAs({
    name: "portcullis, key opened anew",
    features: "`vault.cache: 0s`: the provider's key is unsealed for every request",
    settings: { PORTCULLIS_VAULT_CACHE: "0s" },
  }),
  portcullisAs({
    name: "portcullis, every exchange logged",
    features: "`--trace-requests`",
    flags: ["--trace-requests"],
  }),
  portcullisAs({
    name: "portcullis on PostgreSQL",
    features: "`storage.url: postgres:…`; the server is on the other core and not counted",
    postgres: true,
  }),
  portcullisAs({ name: "portcullis, 100 keys", features: "100 callers' keys more", moreKeys: 100 }),
  portcullisAs({ name: "portcullis, 100 providers", features: "100 providers more", moreProviders: 100 }),
  portcullisAs({
    name: "portcullis, 100 credentials",
    features: "100 more keys of the provider that is called",
    moreCredentials: 100,
  }),
];

export const s6: Scenario = {
  id: "s6",
  title: "what the features cost",
  method:
    `Small chats at ${perSecond.toLocaleString("en")} a second, and OpenAI streams of 100 events at 50 a second, in open ` +
    "loops. The plain proxies are what carrying alone costs. What cannot be switched off in portcullis and is in every " +
    "figure: authentication, the vault, masking of keys, the journal, metering and the ledger.",
  columns: [
    columns.cpuPerExchange,
    {
      heading: "minus portcullis",
      figure: "cpuMicros",
      digits: 1,
      against: { system: "portcullis", how: "minus" },
    },
    columns.inKernel,
    columns.addedP50,
    columns.addedP99,
  ],
  systems: (chosen) => {
    const plain = chosen.filter(({ name }) => ["nginx", "haproxy", "portcullis"].includes(name));
    return plain.some(({ name }) => name === "portcullis") ? [...plain, ...variants] : plain;
  },
  measure: async ({ system, plan: { seconds } }) => [
    await measureRate(system, seconds, "small chats", chat, perSecond),
    await measureRate(system, seconds, "OpenAI streams", chatStream, 50),
  ],
};

function measureRate(
  system: System,
  seconds: number,
  load: string,
  exchange: ExchangeSpec,
  rate: number,
): Promise<Reading> {
  return withSession(system, { providers: [{ exchange }] }, async (session) => {
    const warmUp = await session.put(exchange, { kind: "open", perSecond: rate, seconds: Math.max(1, seconds / 2) });
    return { load, ...afterWarmUp(warmUp, await measureOpen(session, exchange, rate, seconds)) };
  });
}
