/** The name under which the ring shows the entries of this product. */
export const ringService = "portcullis";

/** How an operation on the key ring went, as the exit code of its process. */
export const ringExit = { done: 0, failed: 1, none: 3, noLibrary: 4 } as const;

export type RingOperation = "read" | "write" | "probe" | "delete";

/** All of standard input, in memory of its own. */
export async function readStandardInput(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
