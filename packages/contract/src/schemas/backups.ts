import * as z from "zod";
import { fileContent } from "./values.ts";

const make = z
  .strictObject({
    /** Whose identities can open it: `age1…` */
    recipients: z
      .array(z.string().regex(/^age1[0-9a-z]{1,4096}$/, "must be an age recipient (`age1…`)"))
      .min(1)
      .max(32)
      .optional(),
    /** Instead of recipients: what opens it. */
    passphrase: z.string().min(12, "must be at least 12 characters").max(1024).optional(),
  })
  .refine((input) => (input.recipients === undefined) !== (input.passphrase === undefined), {
    path: ["recipients"],
    message: "or `passphrase` is required, and not both",
  });

export const backups = {
  make: { input: make, output: fileContent },
};
