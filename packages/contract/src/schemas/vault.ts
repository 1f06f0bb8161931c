import { z } from "zod";
import { count, line, time } from "./values.ts";

const state = z.enum(["sealed", "unsealed"]);

export const vaultStatus = z.object({
  state,
  slots: count,
});

/** One way to unlock the vault. */
export const vaultSlot = z.object({
  id: z.string(),
  kind: z.string(),
  label: z.string(),
  created_at: time,
});

const passphrase = z.string().min(12, "must be at least 12 characters").max(1024);

const unseal = z
  .strictObject({
    passphrase: z.string().min(1).max(1024).optional(),
    /** The root key as `root.key` holds it. */
    root_key: z.string().min(1).max(1024).optional(),
  })
  .refine((input) => input.passphrase === undefined || input.root_key === undefined, {
    path: ["root_key"],
    message: "cannot be given together with `passphrase`",
  });

const addSlot = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("passphrase"), passphrase, label: line.optional() }),
  z.strictObject({ kind: z.literal("key-file"), label: line.optional() }),
]);

export const vault = {
  status: { output: vaultStatus },
  seal: { output: vaultStatus },
  /** Without either field: by the slots that need nobody, such as the key file. */
  unseal: { input: unseal, output: vaultStatus },
  listSlots: { output: z.object({ data: z.array(vaultSlot), next_cursor: z.null() }) },
  addSlot: { input: addSlot, output: vaultSlot },
  removeSlot: {},
};
