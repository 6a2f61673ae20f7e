# Builds the executable with the Bun version that package.json names. The image has neither Bun nor npm.
FROM docker.io/oven/bun:1.4.5 AS build
WORKDIR /src
COPY package.json bun.lock bunfig.toml ./
RUN ["bun", "install", "--frozen-lockfile", "--production"]
COPY scripts ./scripts
COPY src ./src
COPY templates ./templates
COPY tsconfig.json ./
RUN ["bun", "scripts/compile-with.mjs"]

# Debian, not distroless: native parts of handlers' npm packages need its libraries.
FROM docker.io/library/debian:bookworm-slim
RUN ["install", "--directory", "--owner=10001", "--group=10001", "/data"]
RUN ["install", "--directory", "/handlers"]
COPY --from=build /src/dist/event-broker /usr/local/bin/event-broker

# No transpiler cache: the disk can be read-only.
ENV BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 DATA_DIR=/data HANDLERS_DIR=/handlers
USER 10001:10001
WORKDIR /
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Checks only the process: a restart does not repair RabbitMQ.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["event-broker", "health", "--live"]
ENTRYPOINT ["event-broker"]
