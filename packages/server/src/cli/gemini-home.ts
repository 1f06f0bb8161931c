import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A home for Gemini CLI that is the user's own (history, memory, extensions, settings) but for one setting: an account that
 * the user has logged in with would be used past the gateway, whatever the variables say. Settings from elsewhere that
 * would come before it must be the system's, owned by root.
 */
export async function createGeminiHome(userHome: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "portcullis-run-"));
  const [own, made] = [join(userHome, ".gemini"), join(home, ".gemini")];
  await mkdir(made);
  const names = await readdir(own).catch(() => []);
  for (const name of names) if (name !== "settings.json") await symlink(join(own, name), join(made, name));
  await writeFile(join(made, "settings.json"), JSON.stringify(withKey(await readSettings(join(own, "settings.json")))));
  return home;
}

/** The user's settings; none where there is no file, or one with comments in it. */
async function readSettings(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return {};
  }
}

function withKey(settings: unknown): object {
  const { security, ...others } = membersOf(settings);
  return { ...others, security: { ...membersOf(security), auth: { selectedType: "gemini-api-key" } } };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
