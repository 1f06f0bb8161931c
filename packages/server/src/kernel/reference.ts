// References: text that says where a secret lies instead of what it is (`vault:secret/openai#api_key`). What they look like
// is known here; how their values are read, in `sources`.

export const referenceKinds = ["env", "file", "vault", "aws", "gcp", "azure", "op"] as const;
export type ReferenceKind = (typeof referenceKinds)[number];

export interface Reference {
  readonly kind: ReferenceKind;
  /** As it was written. */
  readonly text: string;
  /** Which secret: what stands before field and version. */
  readonly place: string;
  /** Which part of it. */
  readonly field: string | undefined;
  readonly version: string | undefined;
}

interface Grammar {
  /** Of what follows the colon; the groups are those of `Reference`. */
  readonly pattern: RegExp;
  readonly shape: string;
}

const part = "[^/#]+";

const grammars: Readonly<Record<ReferenceKind, Grammar>> = {
  env: { pattern: /^(?<place>[A-Za-z_][A-Za-z0-9_.-]*)$/, shape: "env:NAME" },
  file: { pattern: /^(?<place>\/.+|[A-Za-z]:[\\/].+|\\\\.+)$/, shape: "file:/absolute/path" },
  vault: {
    pattern: new RegExp(`^(?<place>${part}(?:/${part})+)#(?<field>[^#@]+)(?:@(?<version>[1-9]\\d{0,8}))?$`),
    shape: "vault:MOUNT/PATH#FIELD or vault:MOUNT/PATH#FIELD@VERSION",
  },
  aws: { pattern: /^(?<place>[A-Za-z0-9/_+=.@:-]+)(?:#(?<field>[^#]+))?$/, shape: "aws:NAME or aws:NAME#FIELD" },
  gcp: {
    pattern:
      /^(?<place>(?:projects\/[A-Za-z0-9:.-]+\/secrets\/)?[A-Za-z0-9_-]+)(?:\/versions\/(?<version>[A-Za-z0-9_-]+))?(?:#(?<field>[^#]+))?$/,
    shape: "gcp:NAME or gcp:projects/PROJECT/secrets/NAME, each with /versions/VERSION or #FIELD after it if wanted",
  },
  azure: {
    pattern:
      /^(?<place>[A-Za-z0-9-]{3,24}\/[A-Za-z0-9-]{1,127})(?:\/(?<version>[0-9A-Fa-f]{32}))?(?:#(?<field>[^#]+))?$/,
    shape: "azure:VAULT/NAME, with /VERSION or #FIELD after it if wanted",
  },
  op: {
    pattern: new RegExp(`^(?<place>${part}/${part})/(?<field>${part}(?:/${part})?)$`),
    shape: "op:VAULT/ITEM/FIELD or op:VAULT/ITEM/SECTION/FIELD",
  },
};

const longest = 1_024;

/** The reference, or what is wrong with the text; it may be a secret itself, so no more than its kind is repeated. */
export function parseReference(text: string): Reference | { readonly problem: string } {
  const kind = referenceKinds.find((each) => text.startsWith(`${each}:`));
  if (kind === undefined) {
    return { problem: `a reference begins with one of ${referenceKinds.map((each) => `\`${each}:\``).join(", ")}` };
  }
  const { pattern, shape } = grammars[kind];
  const match = text.length <= longest && !/\p{Cc}/u.test(text) ? pattern.exec(text.slice(kind.length + 1)) : null;
  const { place, field, version } = match?.groups ?? {};
  if (place === undefined) return { problem: `a reference of the kind \`${kind}\` is written ${shape}` };
  if (kind !== "file" && place.split("/").some((segment) => segment === "." || segment === "..")) {
    return { problem: "a reference names its secret without `.` and `..`" };
  }
  if (kind === "env" && variableName(place).startsWith("PORTCULLIS_")) {
    return { problem: "a reference cannot name a variable of the gateway itself" };
  }
  return { kind, text, place, field, version };
}

/** The variable that a name stands for: `openai_api_key`, `openai-api-key` and `openai.api.key` are OPENAI_API_KEY. */
export function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[.-]/g, "_");
}
