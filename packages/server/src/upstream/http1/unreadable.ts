/** What came is no HTTP/1.1 reply, is larger than one may be, or cannot be told where it ends. */
export class UnreadableReply extends Error {
  override readonly name = "UnreadableReply";
}
