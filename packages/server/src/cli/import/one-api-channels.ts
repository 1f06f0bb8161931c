import type { ImportItem } from "@portcullis/contract";

type Dialect = NonNullable<Extract<ImportItem, { readonly kind: "provider" }>["dialect"]>;

/** Which of the two programs wrote the database: from 26 on, their numbers of channel types differ. */
export type Flavour = "one-api" | "new-api";

/** What a type of channel is. The path follows the address, also where the channel has an address of its own. */
export interface ChannelType {
  readonly name: string;
  readonly address: string;
  readonly path: string;
  readonly dialect: Dialect;
}

/** Types that nothing here corresponds to, by name. */
export interface UnknownType {
  readonly name: string;
}

function like(name: string, address: string, path = "", dialect: Dialect = "openai-chat"): ChannelType {
  return { name, address, path, dialect };
}

const anthropic = like("Anthropic", "https://api.anthropic.com", "", "anthropic-messages");
const gemini = like("Gemini", "https://generativelanguage.googleapis.com", "", "gemini");
const ollama = like("Ollama", "http://localhost:11434", "", "ollama");
const ark = "https://ark.cn-beijing.volces.com";

/** Both programs' numbers. */
const common: Readonly<Record<number, ChannelType | UnknownType>> = {
  1: like("OpenAI", "https://api.openai.com"),
  3: { name: "Azure" },
  6: like("OpenAIMax", "https://api.openaimax.com"),
  7: like("OhMyGPT", "https://api.ohmygpt.com"),
  8: like("Custom", ""),
  9: like("AILS", "https://api.caipacity.com"),
  10: like("AIProxy", "https://api.aiproxy.io"),
  11: { name: "PaLM" },
  12: like("API2GPT", "https://api.api2gpt.com"),
  13: like("AIGC2D", "https://api.aigc2d.com"),
  14: anthropic,
  15: { name: "Baidu" },
  16: like("Zhipu", "https://open.bigmodel.cn", "/api/paas/v4"),
  17: like("Ali", "https://dashscope.aliyuncs.com", "/compatible-mode/v1"),
  18: { name: "Xunfei" },
  19: { name: "360" },
  20: like("OpenRouter", "https://openrouter.ai/api"),
  21: { name: "AIProxyLibrary" },
  22: { name: "FastGPT" },
  23: { name: "Tencent" },
  24: gemini,
  25: like("Moonshot", "https://api.moonshot.cn"),
  31: like("LingYiWanWu", "https://api.lingyiwanwu.com"),
  33: { name: "AWS" },
};

const byFlavour: Readonly<Record<Flavour, Readonly<Record<number, ChannelType | UnknownType>>>> = {
  "one-api": {
    2: like("API2D", "https://oa.api2d.net"),
    4: like("CloseAI", "https://api.closeai-proxy.xyz"),
    5: like("OpenAI-SB", "https://api.openai-sb.com"),
    26: like("Baichuan", "https://api.baichuan-ai.com"),
    27: like("MiniMax", "https://api.minimax.chat"),
    28: like("Mistral", "https://api.mistral.ai"),
    29: like("Groq", "https://api.groq.com/openai"),
    30: ollama,
    32: like("StepFun", "https://api.stepfun.com"),
    34: { name: "Coze" },
    35: like("Cohere", "https://api.cohere.ai"),
    36: like("DeepSeek", "https://api.deepseek.com"),
    37: { name: "Cloudflare" },
    38: { name: "DeepL" },
    39: like("Together", "https://api.together.xyz"),
    40: like("Doubao", ark, "/api/v3"),
    41: like("Novita", "https://api.novita.ai/v3/openai"),
    42: { name: "Vertex AI" },
    43: { name: "Proxy" },
    44: like("SiliconFlow", "https://api.siliconflow.cn"),
    45: like("xAI", "https://api.x.ai"),
    46: { name: "Replicate" },
    47: like("Baidu v2", "https://qianfan.baidubce.com", "/v2"),
    48: like("Xunfei v2", "https://spark-api-open.xf-yun.com"),
    49: like("Ali Bailian", "https://dashscope.aliyuncs.com", "/compatible-mode/v1"),
    50: like("OpenAI-compatible", ""),
    51: like("Gemini, OpenAI-compatible", "https://generativelanguage.googleapis.com/v1beta/openai"),
  },
  "new-api": {
    4: ollama,
    26: like("Zhipu v4", "https://open.bigmodel.cn", "/api/paas/v4"),
    27: like("Perplexity", "https://api.perplexity.ai"),
    34: like("Cohere", "https://api.cohere.ai"),
    35: like("MiniMax", "https://api.minimax.chat"),
    40: like("SiliconFlow", "https://api.siliconflow.cn"),
    42: like("Mistral", "https://api.mistral.ai"),
    43: like("DeepSeek", "https://api.deepseek.com"),
    45: like("VolcEngine", ark, "/api/v3"),
    46: like("Baidu v2", "https://qianfan.baidubce.com", "/v2"),
    47: like("Xinference", ""),
    48: like("xAI", "https://api.x.ai"),
    53: like("Submodel", "https://llm.submodel.ai"),
  },
};

export function channelType(number: number, flavour: Flavour): ChannelType | UnknownType {
  return byFlavour[flavour][number] ?? common[number] ?? { name: `number ${number}` };
}
