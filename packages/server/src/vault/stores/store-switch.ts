import type { VaultStore } from "../store.ts";
import type { Seat } from "./move.ts";

/** A store that is always the one in force. */
export interface StoreSwitch {
  readonly store: VaultStore;
  /** The seat that was in force last. */
  last(): Seat;
  /** Runs while nothing else uses the store, and asks anew afterwards which one is in force. */
  alone<Result>(run: (seat: Seat) => Promise<Result>): Promise<Result>;
}

/**
 * `find` says which seat is in force. It is asked after everything that ran alone, and until it knows, nothing is asked of
 * any store.
 */
export function createStoreSwitch(first: Seat, find: () => Promise<Seat>): StoreSwitch {
  const users = createUsers();
  let last = first;
  let current: Promise<Seat> | undefined = Promise.resolve(first);

  /** Runs `take` with the seat in force, in the same moment in which that is known. If asking failed, the next one asks again. */
  async function inForce<Result>(take: (seat: Seat) => Result): Promise<Result> {
    for (;;) {
      const finding = (current ??= find());
      try {
        const seat = await finding;
        if (current !== finding) continue;
        last = seat;
        return take(seat);
      } catch (error) {
        if (current === finding) current = undefined;
        throw error;
      }
    }
  }

  function enter(): Promise<VaultStore> {
    return inForce(({ store }) => {
      users.enter();
      return store;
    });
  }

  async function using<Result>(use: (store: VaultStore) => Promise<Result>): Promise<Result> {
    const store = await enter();
    return use(store).finally(users.leave);
  }

  async function* all(): ReturnType<VaultStore["all"]> {
    const store = await enter();
    try {
      yield* store.all();
    } finally {
      users.leave();
    }
  }

  async function alone<Result>(run: (seat: Seat) => Promise<Result>): Promise<Result> {
    for (;;) {
      const running = await inForce((seat) => {
        if (users.areThere()) return undefined;
        const result = run(seat);
        current = result.then(find, find);
        return { result };
      });
      if (running === undefined) {
        await users.gone();
        continue;
      }
      await inForce(() => undefined).catch(() => undefined); // whoever needs the store is told
      return running.result;
    }
  }

  return { store: { ...methods(using), all }, last: () => last, alone };
}

function createUsers() {
  const waiting: (() => void)[] = [];
  let count = 0;
  return {
    enter: () => void (count += 1),
    leave: () => {
      count -= 1;
      if (count === 0) for (const tell of waiting.splice(0)) tell();
    },
    areThere: () => count > 0,
    gone: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

type Using = <Result>(use: (store: VaultStore) => Promise<Result>) => Promise<Result>;

function methods(using: Using): Omit<VaultStore, "all"> {
  return {
    loadKeys: () => using((store) => store.loadKeys()),
    createFirst: (...given) => using((store) => store.createFirst(...given)),
    addSlot: (...given) => using((store) => store.addSlot(...given)),
    removeSlot: (...given) => using((store) => store.removeSlot(...given)),
    addTerm: (...given) => using((store) => store.addTerm(...given)),
    removeUnusedTerms: (...given) => using((store) => store.removeUnusedTerms(...given)),
    addNamedKey: (...given) => using((store) => store.addNamedKey(...given)),
    removeNamedKey: (...given) => using((store) => store.removeNamedKey(...given)),
    stageRoot: (...given) => using((store) => store.stageRoot(...given)),
    confirmRoot: (...given) => using((store) => store.confirmRoot(...given)),
    cancelRoot: () => using((store) => store.cancelRoot()),
    find: (...given) => using((store) => store.find(...given)),
    version: (...given) => using((store) => store.version(...given)),
    put: (...given) => using((store) => store.put(...given)),
    rewrap: (...given) => using((store) => store.rewrap(...given)),
    remove: (...given) => using((store) => store.remove(...given)),
    count: () => using((store) => store.count()),
    countBelow: (...given) => using((store) => store.countBelow(...given)),
    someBelow: (...given) => using((store) => store.someBelow(...given)),
    list: (...given) => using((store) => store.list(...given)),
  };
}
