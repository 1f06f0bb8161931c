import { adminListener } from "./config.ts";
import { isProviderId, isRouteName, referencedVariable } from "./fields.ts";
import { about, isMapping, type Finding } from "./issues.ts";
import { nearest } from "./nearest.ts";
import { routeSchema } from "./route-schema.ts";
import { configSchema, providerSchema, type FileConfig, type SchemaNames } from "./schema.ts";
import type { Path } from "./settings.ts";

type Report = (path: Path, text: string) => void;
type ReportKey = (key: string, text: string) => void;
type FileProvider = FileConfig["providers"][string];

/**
 * What must hold between several settings. A rule is applied as soon as the settings it reads are valid,
 * so a mistake elsewhere does not hide what it finds.
 */
export function checkRules(
  values: Readonly<Record<string, unknown>>,
  names: SchemaNames,
  isSet: (variable: string) => boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, text) => findings.push({ path, text: about(path, text) });
  checkAdmin(values, names, report);
  checkVault(values, names, report);
  checkRoutes(values["routes"], report);
  const providers = values["providers"];
  for (const [id, declared] of Object.entries(isMapping(providers) ? providers : {})) {
    const parsed = providerSchema(names).safeParse(declared);
    if (!parsed.success || !isProviderId(id)) continue;
    const reportKey: ReportKey = (key, text) => report(["providers", id, key], text);
    checkProvider(parsed.data, isSet, reportKey);
    checkAddress(id, parsed.data, names, reportKey);
  }
  return findings;
}

function checkAdmin(values: Readonly<Record<string, unknown>>, names: SchemaNames, report: Report): void {
  const sections = configSchema(names).shape;
  const server = sections.server.safeParse(values["server"]);
  const admin = sections.admin.safeParse(values["admin"]);
  if (!server.success || !admin.success) return;
  const listener = adminListener(server.data, admin.data);
  if (listener === undefined || listener.port === 0 || listener.port !== server.data.port) return;
  const asked = admin.data.port !== undefined;
  const text = `is ${listener.port}, and so is ${asked ? "`server.port`" : "the port of the admin listener"}; choose another`;
  report(asked ? ["admin", "port"] : ["server", "port"], text);
}

function checkVault(values: Readonly<Record<string, unknown>>, names: SchemaNames, report: Report): void {
  const vault = configSchema(names).shape.vault.safeParse(values["vault"]);
  if (!vault.success) return;
  for (const [kind, setting] of [
    ["transit", "transit"],
    ["aws-kms", "aws_kms"],
  ] as const) {
    if (vault.data.unlocker !== kind || vault.data[setting] !== undefined) continue;
    report(["vault", "unlocker"], `is ${kind}, which needs \`vault.${setting}\`: the key to unseal with`);
  }
  if (vault.data.key_file === undefined) return;
  if (vault.data.unlocker === "auto" || vault.data.unlocker === "key-file") return;
  report(["vault", "key_file"], `is of no use while \`vault.unlocker\` is ${vault.data.unlocker}`);
}

function checkRoutes(routes: unknown, report: Report): void {
  for (const [name, declared] of Object.entries(isMapping(routes) ? routes : {})) {
    const parsed = routeSchema.safeParse(declared);
    if (!parsed.success || !isRouteName(name)) continue;
    const { target, targets, tiers } = parsed.data;
    const [first, second] = Object.entries({ target, targets, tiers }).filter(([, given]) => given !== undefined);
    if (first === undefined) report(["routes", name], "needs a `target`, or `tiers`");
    else if (second !== undefined) report(["routes", name, second[0]], `cannot be given together with \`${first[0]}\``);
    if (targets !== undefined && targets.length !== 1) {
      report(["routes", name, "targets"], "must hold exactly one target: requests do not fail over to another");
    }
  }
}

function checkProvider(declared: FileProvider, isSet: (variable: string) => boolean, report: ReportKey): void {
  const variable = referencedVariable(declared.api_key);
  if (variable !== undefined && !isSet(variable)) {
    report("api_key", `refers to the variable ${variable}, which is not set`);
  }
  if (declared.dialect !== undefined && declared.dialects !== undefined) {
    report("dialects", "cannot be given together with `dialect`");
  }
}

function checkAddress(id: string, declared: FileProvider, names: SchemaNames, report: ReportKey): void {
  const isPredefined = names.providers.includes(id);
  const { base_url: baseUrl, allow_private: allowPrivate } = declared;
  if (baseUrl === undefined && !isPredefined) {
    const near = nearest(id, names.providers);
    const advice = near === undefined ? "" : ` (did you mean "${near}"?)`;
    report("base_url", `is needed, since \`${id}\` is not a predefined provider${advice}`);
  }
  // What a predefined provider may do by itself is known to the module of the providers, which checks it again.
  if (baseUrl?.startsWith("http:") === true && !(allowPrivate ?? isPredefined)) {
    report("base_url", "must be https, unless `allow_private: true` says that plain http is meant");
  }
}
