/** The limit to compare with: a server that parses the same body, answers, and does nothing else. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const draft = (await request.json()) as { type: string; name: string }
    const { type, name } = draft
    return Response.json(
      {
        id: "01a20ac2-b930-7121-a02e-95bd2f99970f",
        type,
        name,
        routing_key: `events.${type}.${name}`,
        status: "pending",
        timestamp: 1795476863.279,
        message: "Event stored",
      },
      { status: 201 },
    )
  },
})
process.stdout.write(`${JSON.stringify({ msg: "listening", url: server.url.href })}\n`)
