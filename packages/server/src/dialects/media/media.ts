/*
 * Images and recordings at engines of one's own. Callers always speak OpenAI's shape; which one an engine has is known of the
 * provider. An engine that has another one is told what its shape can say, and nothing else of what the caller sent: some of
 * these take paths, scripts and settings that are in force for everyone.
 */

/** OpenAI's, which most have; that of the web interface of AUTOMATIC1111 and what came after it. */
export type ImageShapeId = "openai" | "a1111";

/** OpenAI's; that of whisper.cpp's server. */
export type TranscriptionShapeId = "openai" | "whisper-cpp";

/** What engines that have one model only, or one that is loaded, are asked for. */
export const anyModel = "default";
