import type { CallOf, endpoints } from "@portcullis/contract";
import type { Questions } from "../questions.ts";

/** What a new key shall be, asked for on the terminal. */
export async function askForKey(
  questions: Questions,
): Promise<NonNullable<CallOf<typeof endpoints.keys.create>["input"]>> {
  const user = await questions.text("who is it for? (a name, or empty)");
  const service = await questions.text("which program uses it? (or empty)");
  const models = await questions.text("which models may it use? (empty for all)", { placeholder: "claude-*, gpt-5*" });
  const expires = await questions.select("how long does it live?", [
    { value: "30d", label: "30 days" },
    { value: "90d", label: "90 days" },
    { value: "365d", label: "a year" },
    { value: "never", label: "for ever" },
  ]);
  const patterns = models
    .split(",")
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
  return {
    ...(user === "" ? {} : { user }),
    ...(service === "" ? {} : { service }),
    ...(patterns.length === 0 ? {} : { models: patterns }),
    ...(expires === "never" ? {} : { expires_in: expires }),
  };
}
