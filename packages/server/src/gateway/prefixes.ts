/**
 * Words that may stand before every path of the data plane, so that a client whose base URL ends in its vendor's name (or in
 * that of the gateway it used before) only changes the host: `/openai/v1/chat/completions` is `/v1/chat/completions`.
 */
const prefixes = ["/anthropic", "/openai", "/gemini", "/genai", "/ollama", "/groq", "/litellm", "/langchain"];

/** Some SDKs add one of their own (`/groq` + `/openai/v1`), so up to two are taken off. */
export function withoutPrefix(path: string): string {
  return withoutOne(withoutOne(path));
}

function withoutOne(path: string): string {
  const prefix = prefixes.find((word) => path.startsWith(`${word}/`));
  return prefix === undefined ? path : path.slice(prefix.length);
}
