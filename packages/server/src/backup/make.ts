import { isoTime } from "../kernel/clock.ts";
import { outgoingRootKey, type Vault } from "../vault/index.ts";
import { encrypt, type Holders } from "./age-file.ts";
import { formatName, formatVersion, type Header } from "./format.ts";
import { openSnapshot, type Snapshot, type SnapshotSource } from "./snapshot.ts";
import { writeLines } from "./writer.ts";

export interface BackupParts extends SnapshotSource {
  readonly vault: Pick<Vault, "lendRootKey">;
  /** Brings into the database what waits elsewhere. */
  readonly settle: () => Promise<void>;
  /** The version of this Portcullis. */
  readonly product: string;
}

/**
 * Makes a backup, which is read, written and encrypted as somebody takes it: no more than a page of it is in memory, and
 * nothing of it is ever in a file unencrypted. Whoever gets one reads it to its end or cancels it.
 *
 * Throws `vault_sealed`, `invalid_request` for a recipient that is none, `store_conflict`, `database_unavailable`; the
 * last also while it is read.
 */
export type MakeBackup = (holders: Holders) => Promise<ReadableStream<Uint8Array>>;

export function createBackups(parts: BackupParts): MakeBackup {
  return async (holders) => {
    await parts.settle();
    const snapshot = await openSnapshot(parts);
    let rootKey: Buffer | undefined;
    const close = async (): Promise<void> => {
      rootKey?.fill(0);
      await snapshot.close();
    };
    try {
      rootKey = await outgoingRootKey(parts.vault, snapshot.terms);
      const lines = writeLines(headerOf(parts, snapshot), rootKey, snapshot.tables());
      return await encrypt(streamOf(lines, close), holders);
    } catch (error) {
      await close();
      throw error;
    }
  };
}

function headerOf({ clock, product }: BackupParts, { engine, schema }: Snapshot): Header {
  return { format: formatName, version: formatVersion, made_at: isoTime(clock.now()), product, schema, engine };
}

/** Closes at the end, at a failure and when nobody wants the rest, also if nobody ever began. */
function streamOf(lines: AsyncGenerator<Uint8Array>, close: () => Promise<void>): ReadableStream<Uint8Array> {
  const stop = async (): Promise<void> => {
    await lines.return(undefined);
    await close();
  };
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await lines.next();
          if (done !== true) return controller.enqueue(value);
        } catch (error) {
          await stop();
          throw error;
        }
        await stop();
        controller.close();
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}
