import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference, variableName } from "./reference.ts";

const parts = (text: string): unknown => {
  const parsed = parseReference(text);
  return "problem" in parsed ? undefined : [parsed.kind, parsed.place, parsed.field, parsed.version];
};

test("each kind of reference says which secret, which field and which version", () => {
  const expected: readonly (readonly [string, unknown])[] = [
    ["env:OPENAI_API_KEY", ["env", "OPENAI_API_KEY", undefined, undefined]],
    ["env:openai.api-key", ["env", "openai.api-key", undefined, undefined]],
    ["file:/run/secrets/key", ["file", "/run/secrets/key", undefined, undefined]],
    ["file:C:\\keys\\openai", ["file", "C:\\keys\\openai", undefined, undefined]],
    ["vault:secret/openai#api_key", ["vault", "secret/openai", "api_key", undefined]],
    ["vault:secret/data/team/openai#api_key@3", ["vault", "secret/data/team/openai", "api_key", "3"]],
    ["aws:prod/openai", ["aws", "prod/openai", undefined, undefined]],
    ["aws:prod/openai#api_key", ["aws", "prod/openai", "api_key", undefined]],
    [
      "aws:arn:aws:secretsmanager:eu-central-1:111122223333:secret:openai-AbCdEf#key",
      ["aws", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:openai-AbCdEf", "key", undefined],
    ],
    ["gcp:openai", ["gcp", "openai", undefined, undefined]],
    ["gcp:projects/p-1/secrets/openai", ["gcp", "projects/p-1/secrets/openai", undefined, undefined]],
    ["gcp:projects/p-1/secrets/openai/versions/7#key", ["gcp", "projects/p-1/secrets/openai", "key", "7"]],
    ["azure:my-vault/openai", ["azure", "my-vault/openai", undefined, undefined]],
    [`azure:my-vault/openai/${"0".repeat(32)}#k`, ["azure", "my-vault/openai", "k", "0".repeat(32)]],
    ["op:Infra/Open AI/credential", ["op", "Infra/Open AI", "credential", undefined]],
    ["op:Infra/Open AI/Production/credential", ["op", "Infra/Open AI", "Production/credential", undefined]],
  ];
  for (const [text, found] of expected) assert.deepEqual(parts(text), found, text);
});

test("text that is no reference is refused, and not repeated: it may be a key", () => {
  const wrong = [
    "",
    "sk-live-0123456789",
    "ENV:NAME",
    "env:",
    "env:1A",
    "env:A B",
    "file:key",
    "file:",
    "vault:secret/openai",
    "vault:openai#key",
    "vault:secret/#key",
    "vault:secret/../sys/raw#key",
    "vault:secret/openai#key@0",
    "vault:secret/openai#key@latest",
    "aws:",
    "aws:a b",
    "aws:../x",
    "gcp:projects/p/secrets/",
    "gcp:projects/p/x/openai",
    "azure:openai",
    "azure:my_vault/openai",
    "azure:v.evil.example/openai",
    "op:vault/item",
    "op:a/b/c/d/e",
    "op:../item/field",
    "vault:secret/a\nb#key",
    `vault:secret/${"a".repeat(1_100)}#key`,
  ];
  for (const text of wrong) {
    const parsed = parseReference(text);
    assert.ok("problem" in parsed, text);
    assert.doesNotMatch(parsed.problem, /sk-live|evil/);
  }
});

test("a reference cannot name a variable of the gateway itself, however it is spelt", () => {
  for (const name of ["PORTCULLIS_ROOT_KEY", "portcullis_root_key", "portcullis-root.key"]) {
    assert.ok("problem" in parseReference(`env:${name}`), name);
  }
});

test("names are those of variables, in whichever way they are written", () => {
  for (const name of ["openai_api_key", "openai-api-key", "openai.api.key", "OPENAI_API_KEY"]) {
    assert.equal(variableName(name), "OPENAI_API_KEY");
  }
});
