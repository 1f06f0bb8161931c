import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { PortcullisError, type Client } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { agentCommand } from "../agents.ts";
import { withChildSignals } from "../child-process.ts";
import { argument, leaf, rest, type CommandContext } from "../command.ts";
import { connect, gatewayUrl, isLoopback } from "../gateway.ts";
import { startGateway } from "../local-gateway.ts";

export const run = leaf({
  parameters: {
    agent: argument(
      "<agent>",
      "claude, codex, gemini, opencode, or any other program that reads the vendors' variables",
    ),
    args: rest("[args...]", "the agent's own arguments, behind --"),
  },
  examples: [
    "portcullis run claude",
    "portcullis run codex -- exec 'explain this repository'",
    "portcullis run python -- app.py",
  ],
  async run(context, { agent, args }) {
    return withChildSignals(context.parts.stdin.isTTY === true, async (runChild) => {
      const url = gatewayUrl(context);
      await using cleanup = new AsyncDisposableStack();
      const stop = await startIfNeeded(context, url);
      if (stop !== undefined) cleanup.defer(stop);
      const { key, release } = await takeKey(context, agent);
      cleanup.defer(release);
      const gateway = { url: url.href.replace(/\/$/, ""), key };
      // Awaited here, so that the key and the gateway are there until the agent has ended.
      const { home, ...command } = agentCommand(agent, args, gateway, context.parts.environment);
      if (home === undefined) return await runChild(command);
      const { [home.variable]: given, HOME = homedir() } = context.parts.environment;
      const directory = await home.create(given ?? HOME);
      cleanup.defer(() => rm(directory, { recursive: true, force: true }));
      return await runChild({ ...command, environment: { ...command.environment, [home.variable]: directory } });
    });
  },
});

/** Starts a gateway if none answers at an address of this machine; resolves to what stops it. */
async function startIfNeeded(context: CommandContext, url: URL): Promise<(() => Promise<void>) | undefined> {
  const client = await connect(context);
  try {
    await client.call(endpoints.status.get);
  } catch (thrown) {
    // Any answer, a refusal included, means that a gateway is there.
    if (!(thrown instanceof PortcullisError) || thrown.status !== 0) return undefined;
    if (thrown.code !== "unreachable" || !isLoopback(url) || url.protocol !== "http:") throw thrown;
    context.output.note(`no gateway at ${url.origin}; starting one`);
    return startGateway(context, url);
  }
  return undefined;
}

/** The user's own key if PORTCULLIS_KEY holds one, else one for this run, deleted after it and void a day later in any case. */
async function takeKey(
  context: CommandContext,
  agent: string,
): Promise<{ readonly key: string; readonly release: () => Promise<void> }> {
  const own = context.parts.environment["PORTCULLIS_KEY"];
  if (own !== undefined && own !== "") return { key: own, release: async () => undefined };
  const client = await connect(context);
  const input = { description: `run ${agent}`.slice(0, 200), expires_in: "24h" };
  const { id, key } = await client.call(endpoints.keys.create, { input });
  return { key, release: () => deleteKey(context, client, id) };
}

/** The agent has done its work by now, so a failure here is told, and not made the result. */
async function deleteKey(context: CommandContext, client: Client, id: string): Promise<void> {
  try {
    await client.call(endpoints.keys.remove, { params: { id } });
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    context.output.note(`the key ${id} could not be deleted (${reason}); it expires within a day`);
  }
}
