import { createGeminiHome } from "./gemini-home.ts";

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
  /** A home of its own, where one in the user's would lead it past the gateway. */
  readonly home?: AgentHome;
}

export interface AgentHome {
  /** The variable that tells the agent where its home lies. */
  readonly variable: string;
  /** Makes one that is like the user's, but for that; resolves to the path of the new directory. */
  create(userHome: string): Promise<string>;
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

/** https://geminicli.com/docs/reference/configuration */
const gemini: Agent = {
  variables: ({ url, key }) => ({ GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: key }),
  unset: ["GOOGLE_API_KEY", "GOOGLE_GENAI_USE_GCA", "GOOGLE_GENAI_USE_VERTEXAI", "GEMINI_CLI_USE_COMPUTE_ADC"],
  arguments: () => [],
  home: { variable: "GEMINI_CLI_HOME", create: createGeminiHome },
};

/** The vendors opencode speaks to by packages it has on board, each with what stands behind the gateway's address. */
const opencodePaths: Readonly<Record<string, string>> = {
  anthropic: "/v1",
  google: "/v1beta",
  openai: "/v1",
  openrouter: "/v1",
};

/** https://opencode.ai/docs/config: settings that come before the user's own, in a variable; the key is named in them. */
const opencode: Agent = {
  variables: ({ url, key }) => {
    const provider = Object.fromEntries(
      Object.entries(opencodePaths).map(([name, path]) => [
        name,
        { options: { baseURL: url + path, apiKey: "{env:PORTCULLIS_KEY}" } },
      ]),
    );
    const settings = { enabled_providers: Object.keys(opencodePaths), provider };
    return { PORTCULLIS_KEY: key, OPENCODE_CONFIG_CONTENT: JSON.stringify(settings) };
  },
  unset: [
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
  ],
  arguments: () => [],
};

/** Any other program: the variables that the vendors' SDKs read. */
const anyProgram: Agent = {
  variables: ({ url, key }) => ({
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: key,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_API_KEY: key,
    GOOGLE_GEMINI_BASE_URL: url,
    GOOGLE_API_KEY: key,
    GEMINI_API_KEY: key,
  }),
  unset: [],
  arguments: () => [],
};

const agents: Readonly<Record<string, Agent>> = { claude, codex, gemini, opencode };

export interface AgentCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly home?: AgentHome;
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
    ...(agent.home !== undefined && { home: agent.home }),
  };
}
