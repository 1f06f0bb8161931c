import type { Secret } from "../kernel/secret.ts";
import type { Providers } from "../providers/index.ts";

/** One thing that a source holds, as it is to be here. */
export type ImportItem = ProviderItem | ModelItem | CredentialItem | SecretItem | KeyItem;

export interface ProviderItem {
  readonly kind: "provider";
  /** What it is called if it is made; another one where this is taken. */
  readonly id: string;
  readonly name: string | undefined;
  readonly baseUrl: string;
  readonly dialect: Dialect | undefined;
  readonly allowPrivate: boolean;
}

export interface ModelItem extends Place {
  readonly kind: "model";
  readonly model: NewModel;
}

export interface CredentialItem extends Place {
  readonly kind: "credential";
  /** The key, or where it is to be read from. */
  readonly key: Secret | { readonly reference: string };
  readonly label: string;
  readonly weight: number | undefined;
  readonly priority: number | undefined;
  readonly expiresAt: number | undefined;
}

export interface SecretItem {
  readonly kind: "secret";
  readonly name: string;
  readonly value: Secret;
}

/** A key of callers, made anew. */
export interface KeyItem {
  readonly kind: "key";
  readonly sourceId: string | undefined;
  readonly user: string | undefined;
  readonly team: string | undefined;
  readonly service: string | undefined;
  readonly description: string | undefined;
  readonly models: readonly string[] | undefined;
  readonly allowIp: readonly string[] | undefined;
  readonly expiresAt: number | undefined;
  readonly disabled: boolean;
}

/** Which provider is meant: by id, or by the variable its key is in; and where the source finds it, if that was said. */
export interface Place {
  readonly provider: string | undefined;
  readonly variable: string | undefined;
  readonly baseUrl: string | undefined;
}

export type NewModel = Parameters<Providers["models"]["add"]>[1];
export type Dialect = NonNullable<Parameters<Providers["create"]>[0]["dialects"]>[number];

/** A name for reports and the audit log. Never a value. */
export function nameOf(item: ImportItem): string {
  switch (item.kind) {
    case "provider":
      return item.id;
    case "model":
      return `${item.provider ?? ""}/${item.model.model}`;
    case "credential":
      return `${item.provider ?? item.variable ?? ""}/${item.label}`;
    case "secret":
      return item.name;
    case "key":
      return item.description ?? item.user ?? item.service ?? item.team ?? "key";
  }
}
