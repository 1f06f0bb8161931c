import type { VaultStatus } from "@portcullis/contract";
import type { CommandContext } from "./command.ts";

export function showVaultStatus({ show, output }: CommandContext, found: VaultStatus): void {
  const { rotation, staged_slots: staged } = found;
  show(found, () =>
    output.record({
      vault: found.state,
      "unlock slots": found.slots,
      values: `${found.records}, in ${found.store === "file" ? "vault.json" : "the database"}`,
      ...(found.kek_term === null ? {} : { "kek term": found.kek_term }),
      ...(rotation === null ? {} : { rotation: progressOf(rotation) }),
      ...(staged === null ? {} : { "staged root key": `${staged.length} slots, to be confirmed` }),
    }),
  );
}

function progressOf({ done, total, problem }: NonNullable<VaultStatus["rotation"]>): string {
  return `${done} of ${total} values${problem === null ? "" : `; held up: ${problem}`}`;
}
