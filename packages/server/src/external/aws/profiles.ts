import { join } from "node:path";
import { readHeldTextIfAny } from "../held-file.ts";
import type { AwsOptions } from "./options.ts";

/** What the two shared files say about the profile in use, those of the credentials file first. */
export interface Profiles {
  readonly name: string;
  read(): Promise<Readonly<Record<string, string>>>;
}

export function createProfiles({ profile, environment: { texts }, userHome }: AwsOptions): Profiles {
  const name = profile ?? texts["AWS_PROFILE"] ?? "default";
  const credentialsFile = texts["AWS_SHARED_CREDENTIALS_FILE"] ?? join(userHome, ".aws", "credentials");
  const configFile = texts["AWS_CONFIG_FILE"] ?? join(userHome, ".aws", "config");
  return {
    name,
    async read() {
      const [config = "", credentials = ""] = await Promise.all([configFile, credentialsFile].map(readHeldTextIfAny));
      const inConfig = section(config, name === "default" ? ["default", "profile default"] : [`profile ${name}`]);
      return { ...inConfig, ...section(credentials, [name]) };
    },
  };
}

/** The settings under one heading. Settings of settings (indented lines) are passed over. */
function section(text: string, headings: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) inside = headings.includes(heading.replaceAll(/\s+/g, " "));
    const [, name, value] = /^([a-z_]+)\s*=\s*(.*?)(?:\s+[#;].*)?$/i.exec(line) ?? [];
    if (inside && name !== undefined && value !== undefined && value !== "") found[name.toLowerCase()] = value.trim();
  }
  return found;
}
