import { AppError } from "../kernel/errors.ts";

export type Lossy = "allow" | "deny";
export type Tier = "reasoning" | "completion" | "value";

/** A model at a provider; as text `provider/model`. */
export interface ModelAt {
  readonly provider: string;
  readonly model: string;
}

/** Where a tier is not given, `completion` stands in for it. */
export interface Tiers {
  readonly reasoning: ModelAt | undefined;
  readonly completion: ModelAt;
  readonly value: ModelAt | undefined;
}

export type Destination =
  | { readonly kind: "target"; readonly target: ModelAt }
  | { readonly kind: "tiers"; readonly tiers: Tiers };

/** A name, or a pattern with `*`, that callers may ask for in place of a model. */
export interface Route {
  readonly name: string;
  readonly destination: Destination;
  /** What happens where translation would lose something; `undefined`: what is set for all. */
  readonly lossy: Lossy | undefined;
  /** For lists. */
  readonly displayName: string | undefined;
  /** The file that declares it; then it is read-only at run time. */
  readonly declaredIn: string | undefined;
  /** Milliseconds; `undefined` for one of the file. */
  readonly createdAt: number | undefined;
  readonly updatedAt: number | undefined;
}

/** A route as it is asked for: exactly one of `target`, `targets` and `tiers`, with models as `provider/model`. */
export interface NewRoute {
  readonly name: string;
  readonly target?: string | undefined;
  /** In order of preference. */
  readonly targets?: readonly string[] | undefined;
  readonly tiers?: { readonly [Name in Tier]?: string | undefined } | undefined;
  readonly lossy?: Lossy | undefined;
  readonly displayName?: string | undefined;
}

export type ParsedRoute = Pick<Route, "name" | "destination" | "lossy" | "displayName">;

/** Throws `invalid_request`. */
export function parseRoute(asked: NewRoute): ParsedRoute {
  if (!isRouteName(asked.name)) {
    throw refused(
      "the name of a route is 1 to 200 printable ASCII characters, without spaces, `/`, `\\` and `%`, and does not begin with a dot; `*` stands for any run of characters",
    );
  }
  const displayName = asked.displayName === undefined ? undefined : parseDisplayName(asked.displayName);
  return { name: asked.name, destination: parseDestination(asked), lossy: asked.lossy, displayName };
}

/** A slash stands between a provider and its model. The rest of what is left out could not stand in an address of the admin API. */
export function isRouteName(text: string): boolean {
  return /^(?!\.)[!-~]{1,200}$/.test(text) && !/[/\\%]/.test(text);
}

export function isPattern(name: string): boolean {
  return name.includes("*");
}

export function formatModelAt({ provider, model }: ModelAt): string {
  return `${provider}/${model}`;
}

/** As the database and the admin API have it: of the two exactly one. */
export function formatDestination(destination: Destination): {
  readonly targets: string[] | null;
  readonly tiers: {
    readonly reasoning: string | null;
    readonly completion: string;
    readonly value: string | null;
  } | null;
} {
  if (destination.kind === "target") return { targets: [formatModelAt(destination.target)], tiers: null };
  const { reasoning, completion, value } = destination.tiers;
  const optional = (at: ModelAt | undefined): string | null => (at === undefined ? null : formatModelAt(at));
  return {
    targets: null,
    tiers: { reasoning: optional(reasoning), completion: formatModelAt(completion), value: optional(value) },
  };
}

/** Throws `invalid_request`. */
export function parseDestination({ name, target, targets, tiers }: NewRoute): Destination {
  if ([target, targets, tiers].filter((given) => given !== undefined).length !== 1) {
    throw refused(`the route \`${name}\` needs exactly one of \`target\`, \`targets\` and \`tiers\``);
  }
  if (tiers !== undefined) return { kind: "tiers", tiers: parseTiers(name, tiers) };
  const [first = "", ...others] = target === undefined ? (targets ?? []) : [target];
  if (others.length > 0) {
    const count = others.length + 1;
    throw refused(
      `the route \`${name}\` has ${count} targets, and a route leads to exactly one: requests do not fail over`,
    );
  }
  return { kind: "target", target: parseModelAt(first) };
}

function parseTiers(name: string, { reasoning, completion, value }: NonNullable<NewRoute["tiers"]>): Tiers {
  if (completion === undefined) {
    throw refused(`the route \`${name}\` needs the tier \`completion\`, which stands in for the others`);
  }
  return {
    reasoning: reasoning === undefined ? undefined : parseModelAt(reasoning),
    completion: parseModelAt(completion),
    value: value === undefined ? undefined : parseModelAt(value),
  };
}

/** `provider/model`; the model may have slashes of its own. Throws `invalid_request`. */
export function parseModelAt(text: string): ModelAt {
  const [, provider, model] = modelAtForm.exec(text) ?? [];
  if (provider !== undefined && model !== undefined) return { provider, model };
  throw refused(`\`${text}\` is no target of a route: it is written \`provider/model\`, such as \`openai/gpt-5\``);
}

const modelAtForm = /^([a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?)\/([\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?)$/;

function parseDisplayName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= 100 && !/\p{C}/u.test(name)) return name;
  throw refused("a name for display is 1 to 100 printable characters");
}

function refused(problem: string): AppError {
  return new AppError("invalid_request", { problem });
}
