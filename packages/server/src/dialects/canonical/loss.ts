/**
 * What of a request or reply cannot be said in the other dialect. `dropped`: it is left out. `changed`: something near it is
 * said instead. `hint`: it is left out and only saved time or money, or told something about the caller, so no answer is
 * another for it.
 */
export interface Loss {
  /** Where it stood in what the caller sent: `temperature`, `tools[3]`, `messages[2].content[0]`. */
  readonly path: string;
  readonly kind: "dropped" | "changed" | "hint";
  /** For people, without a full stop: `the model takes none`. */
  readonly why: string;
}

/** More than anybody reads; a caller could make a hundred thousand. */
const mostNamed = 1_000;

/** Gathers losses; the same place is named once, and what there is no room for as one. */
export class Losses {
  readonly #found = new Map<string, Loss>();

  dropped(path: string, why: string): void {
    this.#add({ path, kind: "dropped", why });
  }

  changed(path: string, why: string): void {
    this.#add({ path, kind: "changed", why });
  }

  hint(path: string, why: string): void {
    this.#add({ path, kind: "hint", why });
  }

  addAll(losses: readonly Loss[]): void {
    for (const loss of losses) this.#add(loss);
  }

  get list(): readonly Loss[] {
    const all = [...this.#found.values()];
    if (all.length <= mostNamed) return all;
    const rest = all.slice(mostNamed - 1);
    const kind = rest.every((loss) => loss.kind === "hint") ? "hint" : "dropped";
    return [
      ...all.slice(0, mostNamed - 1),
      { path: `${rest.length} more places`, kind, why: "they are too many to name" },
    ];
  }

  #add(loss: Loss): void {
    if (!this.#found.has(loss.path)) this.#found.set(loss.path, loss);
  }
}
