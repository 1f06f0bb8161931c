import type { JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  isObject,
  listAt,
  objectAt,
  optionalFlag,
  optionalList,
  optionalObject,
  optionalText,
  present,
  textAt,
} from "../canonical/wire.ts";

/** The namespace whose tools are known by their bare names. */
const openNamespace = "functions";

/** A tool is known by its namespace, if it has one, and its name. */
function keyOf(name: string, namespace: string | undefined): string {
  return `${namespace ?? ""}\n${name}`;
}

/** The name that a tool of a namespace has elsewhere. */
function flatName(name: string, namespace: string | undefined): string {
  return namespace === undefined || namespace === openNamespace ? name : `${namespace}__${name}`;
}

/**
 * The tools of a request, wherever it tells of them, under names that are unique. A tool that is told of again replaces the
 * first. Tools that the provider itself would run are a loss each.
 */
export class ToolList {
  readonly #losses: Losses;
  readonly #byKey = new Map<string, Tool>();
  readonly #names = new Set<string>();

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  get tools(): readonly Tool[] {
    return [...this.#byKey.values()];
  }

  addAll(tools: unknown, path: string): void {
    for (const [index, tool] of optionalList(tools, path).entries()) {
      this.#add(objectAt(tool, `${path}[${index}]`), `${path}[${index}]`, undefined);
    }
  }

  #add(tool: JsonObject, path: string, namespace: string | undefined): void {
    const type = textAt(tool["type"], `${path}.type`);
    if (type === "namespace" && namespace === undefined) return this.#addNamespace(tool, path);
    if (type !== "function" && type !== "custom") {
      this.#losses.dropped(path, `the tool \`${type}\` runs at a provider of this dialect only`);
      return;
    }
    const name = textAt(tool["name"], `${path}.name`);
    if (name === "") throw invalid(`${path}.name`, "must not be empty");
    const key = keyOf(name, namespace);
    const unique = this.#byKey.get(key)?.name ?? this.#uniqueName(name, namespace);
    const within = namespace === undefined ? undefined : { namespace, name };
    const decoded = type === "custom" ? decodeCustom(tool, unique, path) : decodeFunction(tool, unique, path);
    this.#byKey.set(key, within === undefined ? decoded : { ...decoded, within });
  }

  #addNamespace(tool: JsonObject, path: string): void {
    const namespace = textAt(tool["name"], `${path}.name`);
    for (const [index, inner] of listAt(tool["tools"], `${path}.tools`).entries()) {
      const at = `${path}.tools[${index}]`;
      this.#add(objectAt(inner, at), at, namespace);
    }
  }

  #uniqueName(name: string, namespace: string | undefined): string {
    const whole = namespace === undefined ? name : `${namespace}__${name}`;
    let unique = [flatName(name, namespace), whole].find((each) => !this.#names.has(each));
    for (let count = 2; unique === undefined; count++) {
      if (!this.#names.has(`${whole}_${count}`)) unique = `${whole}_${count}`;
    }
    this.#names.add(unique);
    return unique;
  }

  /** What a tool is called in the conversation; one that is not in the list may have been in an earlier request's. */
  nameOf(name: string, namespace: string | undefined): string {
    return this.#find(name, namespace)?.name ?? flatName(name, namespace);
  }

  /**
   * Some clients leave the namespace out where the name alone tells the tool; and a tool that was found by a search is said to be
   * in a namespace of its own name.
   */
  #find(name: string, namespace: string | undefined): Tool | undefined {
    const exact = this.#byKey.get(keyOf(name, namespace));
    if (exact !== undefined) return exact;
    if (namespace === name) return this.#byKey.get(keyOf(name, undefined));
    return namespace === undefined ? this.tools.find((tool) => tool.within?.name === name) : undefined;
  }

  /** Undefined where the model is to choose by itself; nothing is chosen where there are no tools. */
  choice(choice: unknown): ToolChoice | undefined {
    const asked = this.#asked(choice);
    if (asked === undefined || this.#byKey.size > 0) return asked;
    if (asked.type !== "auto" && asked.type !== "none") {
      this.#losses.dropped("tool_choice", "there is no tool left to be chosen");
    }
    return undefined;
  }

  #asked(choice: unknown): ToolChoice | undefined {
    if (choice === undefined || choice === null) return undefined;
    if (choice === "auto" || choice === "none") return { type: choice };
    if (choice === "required") return { type: "any" };
    if (!isObject(choice)) throw invalid("tool_choice", "must be `auto`, `required`, `none` or an object");
    if (choice["type"] === "allowed_tools") return this.#allowed(choice);
    if (choice["type"] === "function" || choice["type"] === "custom") {
      return { type: "tool", name: this.#chosen(choice, "tool_choice") };
    }
    this.#losses.dropped("tool_choice", "it names a tool that runs at a provider of this dialect only");
    return undefined;
  }

  #chosen(choice: JsonObject, path: string): string {
    const name = textAt(choice["name"], `${path}.name`);
    const tool = this.#find(name, optionalText(choice["namespace"], `${path}.namespace`));
    if (tool === undefined) throw invalid(`${path}.name`, "names a tool that is not in `tools`");
    return tool.name;
  }

  #allowed(choice: JsonObject): ToolChoice {
    const names: string[] = [];
    for (const [index, each] of listAt(choice["tools"], "tool_choice.tools").entries()) {
      const path = `tool_choice.tools[${index}]`;
      const allowed = objectAt(each, path);
      if (allowed["type"] === "function" || allowed["type"] === "custom") names.push(this.#chosen(allowed, path));
      else this.#losses.dropped(path, "it names a tool that runs at a provider of this dialect only");
    }
    if (names.length === 0) return { type: "none" };
    return { type: "allowed", names, required: choice["mode"] === "required" };
  }
}

/** A schema of nothing is none. */
function decodeFunction(tool: JsonObject, name: string, path: string): Tool {
  return {
    kind: "function",
    name,
    ...present({
      description: optionalText(tool["description"], `${path}.description`),
      parameters: optionalObject(tool["parameters"], `${path}.parameters`),
      strict: optionalFlag(tool["strict"], `${path}.strict`),
    }),
  };
}

function decodeCustom(tool: JsonObject, name: string, path: string): Tool {
  const description = optionalText(tool["description"], `${path}.description`);
  const format = optionalObject(tool["format"], `${path}.format`);
  const described: Tool = { kind: "custom", name, ...present({ description }) };
  if (format === undefined || format["type"] !== "grammar") return described;
  const syntax = textAt(format["syntax"], `${path}.format.syntax`);
  if (syntax !== "lark" && syntax !== "regex") throw invalid(`${path}.format.syntax`, "must be `lark` or `regex`");
  return {
    ...described,
    grammar: { syntax, definition: textAt(format["definition"], `${path}.format.definition`) },
  };
}
