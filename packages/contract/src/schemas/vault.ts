import * as z from "zod";
import { count, line, time } from "./values.ts";

const state = z.enum(["sealed", "unsealed"]);

/** One way to unlock the vault. */
export const vaultSlot = z.object({
  id: z.string(),
  kind: z.string(),
  label: z.string(),
  created_at: time,
});

export const vaultStatus = z.object({
  state,
  slots: count,
  /** How many values are sealed. */
  records: count,
  /** Where they lie. */
  store: z.enum(["database", "file"]),
  /** The newest term of the key that values are sealed under; `null` before the first start. */
  kek_term: count.nullable(),
  /** The move of all values to that term, until it is complete; `problem` says what holds it up. */
  rotation: z
    .object({ kind: z.literal("kek"), done: count, total: count, since: time, problem: z.string().nullable() })
    .nullable(),
  /** The slots of a new root key that waits to be confirmed. */
  staged_slots: z.array(vaultSlot).nullable(),
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

/** What opens a slot that cannot be opened with what the gateway was started with, by the slot's id. */
const secrets = z
  .record(
    z.string(),
    z.union([
      z.strictObject({ passphrase: z.string().min(1).max(1024) }),
      z.strictObject({ root_key: z.string().min(1).max(1024) }),
    ]),
  )
  .optional();

const addSlot = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("passphrase"), passphrase, label: line.optional() }),
  z.strictObject({
    kind: z.literal("environment"),
    /** 32 bytes in base64: what PORTCULLIS_ROOT_KEY is to be at the next start. */
    root_key: z.string().min(1).max(1024),
    label: line.optional(),
  }),
  // What these are made with is up to the gateway's configuration and machine.
  z.strictObject({ kind: z.enum(["key-file", "key-ring", "transit", "aws-kms"]), label: line.optional() }),
]);

export const vault = {
  status: { output: vaultStatus },
  seal: { output: vaultStatus },
  /** Without either field: by the slots that need nobody, such as the key file. */
  unseal: { input: unseal, output: vaultStatus },
  listSlots: { output: z.object({ data: z.array(vaultSlot), next_cursor: z.null() }) },
  addSlot: { input: addSlot, output: vaultSlot },
  removeSlot: {},
  rotate: { input: z.strictObject({ kind: z.enum(["kek", "token"]) }), output: vaultStatus },
  /** A slot whose secret is neither given nor known is an error, unless `drop` names it. */
  stageRoot: { input: z.strictObject({ secrets, drop: z.array(z.string()).max(100).optional() }), output: vaultStatus },
  confirmRoot: { input: z.strictObject({ secrets }), output: vaultStatus },
  cancelRoot: {},
  move: {
    input: z.strictObject({ to: z.enum(["database", "file"]) }),
    output: z.object({ store: z.enum(["database", "file"]), records: count }),
  },
};
