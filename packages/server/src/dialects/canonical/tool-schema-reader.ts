import type { JsonObject } from "./conversation.ts";
import { mergeSchemas } from "./tool-schema-merge.ts";
import { isObject } from "./wire.ts";

/** More than any tool has; a schema with references can stand for far more than its text. */
const mostNodes = 1_500;
const mostDepth = 32;
/** References that lead to one another. */
const mostReferences = 48;

/** A schema in which no `$ref` and no `allOf` is left at its top; those within are opened in turn, in its place. */
export interface OpenSchema {
  readonly schema: JsonObject;
  readonly place: Place;
}

/** How a schema was come to: how deep it is, and through which references. */
interface Place {
  readonly depth: number;
  readonly references: readonly string[];
}

const top: Place = { depth: 0, references: [] };

/** How much may still be opened, in all schemas that share it. */
export interface SchemaBudget {
  nodesLeft: number;
}

/**
 * Looks into a schema piece by piece, following references within it. It ends whatever it is given: what refers to itself, or is too
 * deep, or comes when too much was opened already, is opened as a schema of which only the type is known.
 */
export class SchemaReader {
  readonly root: JsonObject;
  #nodesLeft = mostNodes;
  readonly #shared: SchemaBudget | undefined;
  readonly #lost = new Set<string>();

  constructor(root: JsonObject, shared?: SchemaBudget) {
    this.root = root;
    this.#shared = shared;
  }

  /** What could not be said, for people. */
  get lost(): readonly string[] {
    return [...this.#lost];
  }

  lose(what: string): void {
    this.#lost.add(what);
  }

  /** Of these keywords, those that the schema has. */
  loseAll(schema: JsonObject, keywords: readonly string[]): void {
    for (const keyword of keywords) if (schema[keyword] !== undefined) this.lose(`\`${keyword}\``);
  }

  /** Counts what is merged, which a schema may want over and over. False if it is too much by now. */
  spend(properties: unknown): boolean {
    return this.#take(isObject(properties) ? Object.keys(properties).length >> 3 : 0);
  }

  #take(nodes: number): boolean {
    this.#nodesLeft -= nodes;
    if (this.#shared === undefined) return this.#nodesLeft >= 0;
    this.#shared.nodesLeft -= nodes;
    return this.#nodesLeft >= 0 && this.#shared.nodesLeft >= 0;
  }

  /** Something that stands in the schema at `parent`; a place is left out for the root only. */
  open(schema: unknown, parent?: Place): OpenSchema {
    const place = parent === undefined ? top : { depth: parent.depth + 1, references: parent.references };
    const isEnough = this.#take(1);
    if (!isObject(schema)) return { schema: {}, place }; // `true` allows all; `false` nothing, which few can say
    if (!isEnough || place.depth > mostDepth) return this.#cut(schema, place, "so large a schema");
    const followed = this.#follow({ schema, place });
    const { allOf, ...own } = followed.schema;
    if (!Array.isArray(allOf)) return followed;
    return allOf.reduce<OpenSchema>(
      (whole, part) => {
        const opened = this.open(part, whole.place);
        const { references } = opened.place;
        return { schema: this.#merged(whole.schema, opened.schema), place: { depth: place.depth, references } };
      },
      { schema: own, place: followed.place },
    );
  }

  /** What a reference refers to, with what stands beside it. */
  #follow({ schema, place }: OpenSchema): OpenSchema {
    const reference = schema["$ref"] ?? schema["$dynamicRef"];
    if (typeof reference !== "string") return { schema, place };
    const { $ref: _one, $dynamicRef: _other, ...own } = schema;
    const target = this.#target(reference);
    if (target === undefined) {
      this.lose("a reference to elsewhere");
      return { schema: own, place };
    }
    const { references } = place;
    if (references.includes(reference)) return this.#cut({ ...target, ...own }, place, "a schema within itself");
    if (references.length === mostReferences) return this.#cut(own, place, "so large a schema");
    const next = { depth: place.depth, references: [...references, reference] };
    const followed = this.#follow({ schema: target, place: next });
    return { schema: this.#merged(own, followed.schema), place: followed.place };
  }

  #merged(one: JsonObject, other: JsonObject): JsonObject {
    this.spend(one["properties"]);
    if (this.spend(other["properties"]))
      return mergeSchemas(one, other, (keyword) => this.lose(`two of \`${keyword}\``));
    this.lose("so large a schema");
    return one;
  }

  #cut({ type, description }: JsonObject, place: Place, what: string): OpenSchema {
    this.lose(what);
    return {
      schema: { ...(type !== undefined && { type }), ...(description !== undefined && { description }) },
      place,
    };
  }

  /** `#`, `#/$defs/Name`, as RFC 6901 has it. */
  #target(reference: string): JsonObject | undefined {
    if (!reference.startsWith("#")) return undefined;
    let at: unknown = this.root;
    for (const encoded of reference.slice(1).split("/").slice(1)) {
      const key = decoded(encoded).replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
      at = (at as JsonObject)[key]; // an index of a list is a key of it
    }
    if (reference !== "#" && !reference.startsWith("#/")) return undefined;
    return isObject(at) ? at : undefined;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
