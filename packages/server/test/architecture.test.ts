import assert from "node:assert/strict";
import { globSync, readFileSync, readdirSync, existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { referenceDocuments } from "../../../scripts/reference.ts";

const root = resolve(import.meta.dirname, "../../..");
const source = join(root, "packages/server/src");

/** Who may import whom. A module that is not listed here does not exist; `kernel` may be imported by all. */
const imports: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  config: [],
  db: [],
  home: [],
  catalog: [],
  dialects: [],
  simulator: [],
  external: [],
  sources: ["external", "home"],
  vault: ["db", "external", "home"],
  identity: ["db", "vault"],
  audit: ["db"],
  usage: ["db"],
  upstream: [],
  providers: ["db", "catalog", "dialects", "sources", "vault"],
  ingress: [],
  routing: ["db", "dialects", "providers", "catalog"],
  imports: ["db", "identity", "providers", "vault"],
  backup: ["db", "home", "vault"],
  gateway: ["catalog", "dialects", "identity", "ingress", "providers", "routing", "upstream", "usage", "vault"],
  admin: [
    "audit",
    "backup",
    "catalog",
    "db",
    "dialects",
    "identity",
    "imports",
    "ingress",
    "providers",
    "routing",
    "sources",
    "upstream",
    "usage",
    "vault",
  ],
  cli: ["config"],
};

/** The module that may name a table. `db` owns the schema itself. */
const tables: Readonly<Record<string, string>> = {
  instance: "db",
  vault_slots: "vault",
  vault_terms: "vault",
  sealed_records: "vault",
  vault_named_keys: "vault",
  vault_state: "vault",
  providers: "providers",
  provider_models: "providers",
  credentials: "providers",
  keys: "identity",
  users: "identity",
  setup_codes: "identity",
  requests: "usage",
  requests_kept: "usage",
  usage_groups: "usage",
  usage_hourly: "usage",
  audit_events: "audit",
  routes: "routing",
  imported_items: "imports",
};

const files = globSync("**/*.ts", { cwd: source }).sort();
const read = (file: string): string => readFileSync(join(source, file), "utf8");
const moduleOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");
const isTest = (file: string): boolean => /\.test\.ts$|conformance\.ts$|\/test-parts\.ts$|\/test\//.test(file);

function importsOf(file: string): { readonly specifier: string; readonly target: string | undefined }[] {
  const found = read(file).matchAll(/\b(?:import|export)\s[^;"]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?"([^"]+)"/g);
  return [...found]
    .map(([, fixed, lazy]) => fixed ?? lazy ?? "")
    .map((specifier) => ({
      specifier,
      target: specifier.startsWith(".") ? relative(source, resolve(source, dirname(file), specifier)) : undefined,
    }));
}

test("every module is in the import table, and nothing else is", () => {
  const present = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(present.map((entry) => entry.name).sort(), Object.keys(imports).sort());
});

test("imports follow the table, and go through a module's index.ts", () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => name.includes("/") && !isTest(name))) {
    for (const { specifier, target } of importsOf(file)) {
      if (target === undefined || target.startsWith("..")) continue;
      const from = moduleOf(file);
      const to = moduleOf(target);
      if (to === from || to === "kernel") continue;
      if (!(imports[from] ?? []).includes(to)) wrong.push(`${file} imports ${to}`);
      else if (target !== `${to}/index.ts`) wrong.push(`${file} reaches into ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("the kernel does no I/O", () => {
  const allowed = new Set(["node:buffer", "node:crypto", "@portcullis/contract"]);
  const wrong = files
    .filter((file) => file.startsWith("kernel/") && !isTest(file))
    .flatMap((file) => importsOf(file).map(({ specifier }) => ({ file, specifier })))
    .filter(({ specifier }) => !specifier.startsWith("./") && !allowed.has(specifier));
  assert.deepEqual(wrong, []);
});

test("only cli and compose import configuration; nobody imports compose but main", () => {
  const importers = files.filter(
    (file) => !isTest(file) && importsOf(file).some(({ target }) => target?.startsWith("config/")),
  );
  const outside = importers.filter(
    (file) => moduleOf(file) !== "config" && moduleOf(file) !== "cli" && file.includes("/"),
  );
  assert.deepEqual(outside, []);
});

test("a table is named by its owner alone", () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => !isTest(name) && moduleOf(name) !== "db")) {
    for (const [, table = ""] of read(file).matchAll(
      /(?:selectFrom|insertInto|updateTable|deleteFrom|innerJoin|leftJoin)\(\s*"(\w+)/g,
    )) {
      if (tables[table] !== moduleOf(file)) wrong.push(`${file} names ${table}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("every table of the schema has an owner", () => {
  const names = [...read("db/tables.ts").matchAll(/^ {2}readonly (\w+): \w+Table;|^ {2}(\w+): \w+Table;/gm)].map(
    (match) => match[1] ?? match[2],
  );
  assert.deepEqual(names.sort(), Object.keys(tables).sort());
});

test("files are small", () => {
  const long = globSync("packages/*/src/**/*.ts", { cwd: root })
    .map((file) => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length }))
    .filter(({ lines }) => lines > 500);
  assert.deepEqual(long, []);
});

test("file names are nouns of this product, not drawers", () => {
  const drawers = /^(utils?|helpers?|common|shared|misc|manager|service|types)(\.ts)?$/;
  assert.deepEqual(
    files.flatMap((file) => file.split("/")).filter((part) => drawers.test(part)),
    [],
  );
});

/** `reveal()` is where a secret leaves its wrapper: each file here was read with that in mind. */
const revealers: readonly string[] = [
  "admin/access.ts",
  "admin/resources/imports.ts",
  "admin/resources/keys.ts",
  "admin/resources/litellm.ts",
  "admin/resources/setup.ts",
  "admin/reveal.ts",
  "backup/age-file.ts",
  "backups.ts",
  "cli/commands/serve.ts",
  "cli/gateway.ts",
  "compose.ts",
  "config/changes.ts",
  "demo.ts",
  "doctor.ts",
  "external/aws/signature.ts",
  "external/encoding.ts",
  "gateway/stages/credential.ts",
  "home/admin-token.ts",
  "identity/ownership.ts",
  "imports/fingerprint.ts",
  "maintenance.ts",
  "providers/auth.ts",
  "providers/sealed-text.ts",
  "vault/key-text.ts",
];

test("secrets are revealed in the listed files only", () => {
  const found = files.filter((file) => !isTest(file) && file !== "kernel/secret.ts" && /\.reveal\(\)/.test(read(file)));
  assert.deepEqual(found, [...revealers].sort());
});

test("time, environment and network each come from one place", () => {
  const places: Readonly<Record<string, readonly [RegExp, readonly string[]]>> = {
    "Date.now": [/\bDate\.now\(/, ["kernel/clock.ts"]],
    "performance.now": [/\bperformance\.now\(/, ["kernel/clock.ts"]],
    "Math.random": [/\bMath\.random\(/, []],
    "process.env": [/\bprocess\.env\b/, ["config/load.ts", "runtime-flags.ts"]],
    undici: [/"undici"/, ["external/http.ts"]],
  };
  for (const [name, [pattern, allowed]] of Object.entries(places)) {
    const found = files.filter(
      (file) => !isTest(file) && pattern.test(read(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")),
    );
    assert.deepEqual(
      found.filter((file) => !allowed.includes(file)),
      [],
      name,
    );
  }
});

test("no SQL is put together from strings", () => {
  const wrong = files.filter((file) => !isTest(file) && /sql\.(raw|lit)\(|\.exec\(`[^`]*\$\{/.test(read(file)));
  assert.deepEqual(wrong, []);
});

test("the reference documents are those of the code", async () => {
  for (const [path, text] of await referenceDocuments()) {
    assert.equal(
      existsSync(join(root, path)) && readFileSync(join(root, path), "utf8") === text,
      true,
      `${path}: run \`npm run docs\``,
    );
  }
});

test("run-time dependencies are few, exact and listed in the decision on them", () => {
  const server = JSON.parse(readFileSync(join(root, "packages/server/package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<
      string,
      { dev?: boolean; optional?: boolean; link?: boolean; hasInstallScript?: boolean; integrity?: string }
    >;
  };
  const decision = readFileSync(join(root, "docs/decisions/0002-dependencies.md"), "utf8");
  const direct = Object.entries(server.dependencies).filter(([name]) => !name.startsWith("@portcullis/"));
  assert.ok(direct.length <= 20);
  for (const [name, version] of direct) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.ok(decision.includes(`\`${name}\``), `${name} has no line in the decision on dependencies`);
  }
  const installed = Object.entries(lock.packages).filter(
    ([path, entry]) =>
      path.includes("node_modules/") && entry.dev !== true && entry.optional !== true && entry.link !== true,
  );
  assert.ok(installed.length <= 120, `${installed.length} run-time packages`);
  assert.deepEqual(
    installed
      .filter(([, entry]) => entry.hasInstallScript === true || entry.integrity === undefined)
      .map(([path]) => path),
    [],
  );
});

test("every decision and document that is linked exists", () => {
  const documents = globSync("{*.md,docs/**/*.md}", { cwd: root, exclude: (name) => name === "node_modules" });
  const broken: string[] = [];
  for (const document of documents) {
    for (const [, link = ""] of readFileSync(join(root, document), "utf8").matchAll(
      /\]\((?!https?:|#|mailto:)([^)#\s]+)/g,
    )) {
      if (!existsSync(join(root, dirname(document), link))) broken.push(`${document} → ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});
