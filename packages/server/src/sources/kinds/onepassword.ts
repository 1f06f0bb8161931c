import { createOnePasswordClient, textAt, type OnePasswordClient } from "../../external/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { secretOf, SourceProblem, type Reader, type ReaderParts } from "../reader.ts";

/** `op:vault/item/field` or `op:vault/item/section/field`, by name or id: a 1Password Connect server. */
export function onePasswordReader(parts: ReaderParts): Reader {
  let client: OnePasswordClient | undefined;
  const vaults = new Map<string, string>();

  async function vaultId(connect: OnePasswordClient, name: string): Promise<string> {
    const known = isId(name) ? name : vaults.get(name);
    if (known !== undefined) return known;
    const id = idIn(await connect.get("vaults", equal("name", name)), "vault");
    vaults.set(name, id);
    return id;
  }

  return async ({ place, field = "" }) => {
    const [vault = "", item = ""] = place.split("/");
    client ??= openClient(parts);
    const items = `vaults/${await vaultId(client, vault)}/items`;
    const itemId = isId(item) ? item : idIn(await client.get(items, equal("title", item)), "item");
    return secretOf(fieldIn(await client.get(`${items}/${itemId}`), field), field);
  };
}

/** Ids of 1Password are 26 letters and digits. */
function isId(name: string): boolean {
  return /^[a-z0-9]{26}$/.test(name);
}

function equal(attribute: string, name: string): string {
  if (/["\\]/.test(name)) throw new SourceProblem('a name with `"` or `\\` cannot be looked up; use the id', false);
  return `${attribute} eq "${name}"`;
}

function idIn(list: unknown, what: string): string {
  const [first, second] = Array.isArray(list) ? (list as readonly unknown[]) : [];
  if (second !== undefined) throw new SourceProblem(`several ${what}s have this name; use the id`, false);
  const id = textAt(first, "id");
  if (id === undefined || !isId(id))
    throw new SourceProblem(`there is no such ${what}, or the token may not see it`, true);
  return id;
}

/** `field`, or `section/field`; each by label or id. */
function fieldIn(item: unknown, wanted: string): string | undefined {
  const [name = "", section] = wanted.split("/").toReversed();
  const fields = (item as { readonly fields?: unknown } | undefined)?.fields;
  const matches = (value: unknown, expected: string): boolean =>
    textAt(value, "label") === expected || textAt(value, "id") === expected;
  const found = (Array.isArray(fields) ? (fields as readonly unknown[]) : []).filter(
    (each) =>
      matches(each, name) &&
      (section === undefined || matches((each as { readonly section?: unknown }).section, section)),
  );
  if (found.length > 1)
    throw new SourceProblem(`several fields are called \`${wanted}\`; write SECTION/FIELD, or the id`, false);
  return textAt(found[0], "value");
}

function openClient({ settings, environment: { texts, secrets } }: ReaderParts): OnePasswordClient {
  const address = settings.op.address ?? texts["OP_CONNECT_HOST"];
  const token = settings.op.tokenFile === undefined ? secrets.get("OP_CONNECT_TOKEN") : { file: settings.op.tokenFile };
  if (address === undefined || !URL.canParse(address) || token === undefined) {
    throw new AppError("external_unconfigured", {
      problem: "the address of the 1Password Connect server, or the token for it, is not set",
      advice:
        "set `sources.op_address` and `sources.op_token_file` in portcullis.yaml, or OP_CONNECT_HOST and OP_CONNECT_TOKEN",
    });
  }
  return createOnePasswordClient({ address, token, caFile: settings.op.caFile, timeoutMs: settings.timeoutMs });
}
