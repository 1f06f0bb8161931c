export { connectTo } from "./connect.ts";
export { HttpConnection, type OutgoingRequest, type ReplySink } from "./connection.ts";
export type { ReplyHead, ReplyHeaders } from "./reply-head.ts";
export { UnreadableReply } from "./unreadable.ts";
