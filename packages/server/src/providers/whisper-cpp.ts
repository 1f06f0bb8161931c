import { bearer } from "./auth.ts";
import { usualMedia } from "./media.ts";
import { defineProvider } from "./provider.ts";

/** The server of whisper.cpp: one model, which has no name there. A key is for a proxy in front of it. */
export const whisperCpp = defineProvider({
  id: "whisper-cpp",
  name: "whisper.cpp server",
  baseUrl: "http://127.0.0.1:8080",
  dialects: { "openai-chat": "" },
  auth: bearer(),
  env: [],
  probe: { modelsPath: null, keyPath: "/health" },
  media: { ...usualMedia, transcription: "whisper-cpp", only: "transcription" },
  local: true,
});
