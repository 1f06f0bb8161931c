/** What an agent needs to know of the gateway it is to use. */
export interface AgentGateway {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
}

/** How one agent is pointed at a gateway. The key goes through the environment only: arguments can be read by others. */
interface Agent {
  variables(gateway: AgentGateway): Readonly<Record<string, string>>;
  /** Variables that would lead it past the gateway. */
  readonly unset: readonly string[];
  /** Arguments put before the user's own. */
  arguments(gateway: AgentGateway): readonly string[];
}

/** https://code.claude.com/docs/en/llm-gateway: the token is sent as a bearer; a key beside it would make the client ask. */
const claude: Agent = {
  variables: ({ url, key }) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key }),
  unset: ["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"],
  arguments: () => [],
};

/** https://developers.openai.com/codex/config-reference: a provider of its own, given as overrides (values are TOML). */
const codex: Agent = {
  variables: ({ key }) => ({ PORTCULLIS_KEY: key }),
  unset: ["OPENAI_API_KEY", "OPENAI_BASE_URL", "CODEX_API_KEY"],
  arguments: ({ url }) =>
    Object.entries({
      model_provider: "portcullis",
      "model_providers.portcullis.name": "Portcullis",
      "model_providers.portcullis.base_url": `${url}/v1`,
      "model_providers.portcullis.env_key": "PORTCULLIS_KEY",
      "model_providers.portcullis.wire_api": "responses",
    }).flatMap(([name, value]) => ["-c", `${name}=${JSON.stringify(value)}`]),
};

/** Any other program: the variables that the vendors' SDKs read. */
const anyProgram: Agent = {
  variables: ({ url, key }) => ({
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: key,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_API_KEY: key,
  }),
  unset: [],
  arguments: () => [],
};

const agents: Readonly<Record<string, Agent>> = { claude, codex };

export interface AgentCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The command that runs `name` through the gateway. It inherits the environment but for what leads past the gateway
 * and for the right to administer it.
 */
export function agentCommand(
  name: string,
  args: readonly string[],
  gateway: AgentGateway,
  environment: Readonly<Record<string, string | undefined>>,
): AgentCommand {
  const agent = Object.hasOwn(agents, name) ? (agents[name] ?? anyProgram) : anyProgram;
  const dropped = new Set([...agent.unset, "PORTCULLIS_ADMIN_TOKEN", "PORTCULLIS_PASSPHRASE", "PORTCULLIS_ROOT_KEY"]);
  const kept = Object.entries(environment).filter(([variable, value]) => value !== undefined && !dropped.has(variable));
  return {
    program: name,
    args: [...agent.arguments(gateway), ...args],
    environment: { ...Object.fromEntries(kept as [string, string][]), ...agent.variables(gateway) },
  };
}
