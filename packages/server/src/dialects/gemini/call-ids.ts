/*
 * Calls and their results are matched by their id, if they have one, else by their name and order; other dialects want an id.
 * One that a call lacks is made of its place, so that it is the same the next time that the conversation comes.
 */
export class CallIds {
  #waiting: { readonly id: string; readonly name: string }[] = [];
  readonly #known = new Set<string>();

  /** A turn of the model's begins behind one of the user's: what was called before is answered, or never will be. */
  startTurn(): void {
    this.#waiting = [];
  }

  call(turn: number, index: number, name: string, given: string): string {
    const own = `call_${turn}_${index}`;
    const id = given !== "" && !this.#known.has(given) ? given : own;
    this.#known.add(id);
    this.#waiting.push({ id, name });
    return id;
  }

  /** The id of the call that this is the result of; one that no call has, if there is none. */
  result(name: string, given: string): string {
    const byId = given === "" ? -1 : this.#waiting.findIndex(({ id }) => id === given);
    const at = byId >= 0 ? byId : this.#waiting.findIndex((call) => call.name === name);
    const [call] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (call !== undefined) return call.id;
    return given === "" ? `unknown_${name}` : given;
  }
}
