import { before, beforeEach } from "node:test";
import type { Gate } from "../packages/server/test/support/gateway.ts";
import { openClientGate } from "./gate.ts";
import { createPlace, tidy, type Address, type Place } from "./turn.ts";

/** What the tests of one client share. Each test finds it as new, and a key of its own. */
export interface Stage {
  readonly gate: Gate;
  readonly place: Place;
  readonly caller: { readonly id: string; readonly key: string };
  /** Where the client is pointed. */
  readonly address: Address;
}

/** Sets the stage for all tests of the suite that this is called in. */
export function setStage(): Stage {
  let gate: Gate | undefined;
  let place: Place | undefined;
  let caller: Stage["caller"] | undefined;
  before(async () => {
    gate = await openClientGate();
    place = createPlace();
  });
  beforeEach(async () => {
    tidy(there(place));
    there(gate).simulator.clear();
    there(gate).simulator.play([]);
    caller = await there(gate).createKey();
  });
  return {
    get gate() {
      return there(gate);
    },
    get place() {
      return there(place);
    },
    get caller() {
      return there(caller);
    },
    get address() {
      return { url: there(gate).url, key: there(caller).key };
    },
  };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("the stage is there once a test runs");
  return value;
}
