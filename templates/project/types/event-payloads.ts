// Written by `event-broker types` from the schemas in SCHEMAS_DIR. Do not edit it: it is overwritten.

declare module "event-broker" {
  interface EventPayloads {
    /** Speech recognized */
    "voice/speech_recognized": {
      call_id: string
      text: string
    }
  }
}

export {}
