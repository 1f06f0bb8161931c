/*
 * People put keys where a name belongs: a model, an id, an address, a word on the command line. Such a text must not be
 * written down or repeated. Only what begins as a key does can be told from a name: those of Portcullis, and those of
 * vendors that mark theirs. A key without a mark (Mistral's, Cohere's) is a random word like any other.
 */

const marks = [
  "pca?_[0-9a-z]{16}_", // ours
  "[spr]k[-_]", // OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot, Alibaba …
  "xai-",
  "gsk_", // Groq
  "hf_",
  "AIza", // Google
  "AQ\\.", // Google
  "tgp_v1_", // Together
  "fw_", // Fireworks
  "pplx-",
  "nvapi-",
  "csk-", // Cerebras
  "gh[oprsu]_",
  "github_pat_",
  "AKIA", // AWS
  "eyJ", // a JWT
];
const key = new RegExp(String.raw`(?<![A-Za-z0-9])(?:${marks.join("|")})[\w+/=.~-]{16,}`, "g");

/** The shortest text that could hold a key. */
const leastCharacters = 19;

/** The text with `[redacted]` in place of what looks like a key. */
export function withoutKeys(text: string): string {
  return text.length < leastCharacters ? text : text.replace(key, "[redacted]");
}
