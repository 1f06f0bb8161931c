const bytesPerToken = 4;
const strideBytes = 4096;
const sampleBytes = 64;

/**
 * A floor for the tokens of a request nobody counted: about four bytes a token, of everything but attachments.
 * Those are base64 and counted by providers in ways that have nothing to do with their size, so they count as
 * nothing. Found by samples: 64 bytes of base64's alphabet in a row, every 4 KiB; prose has spaces, code has
 * punctuation.
 */
export function estimateInputTokens(body: Buffer): number {
  let textBytes = body.length;
  for (let at = strideBytes; at + sampleBytes <= body.length; at += strideBytes) {
    if (isBase64(body, at, at + sampleBytes)) textBytes -= strideBytes;
  }
  return Math.ceil(textBytes / bytesPerToken);
}

const base64Bytes = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_") {
  base64Bytes[character.charCodeAt(0)] = 1;
}

function isBase64(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (base64Bytes[bytes[at] ?? 0] !== 1) return false;
  return true;
}
