# The image of spanmill: dist/ on Node, without what only development needs, not as root.
# scripts/check-image.ts runs these steps without Docker.

FROM node:24.21.0-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No install scripts: the one that brings Node is not needed where the image has it.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/build.ts
COPY proto proto
COPY src src
COPY loadgen loadgen
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json package.json
COPY bin/spanmill bin/spanload bin/
COPY pipelines pipelines
# The user that the base image has for this; nothing under /app belongs to it.
USER node
# OTLP/gRPC, OTLP/HTTP, health check, metrics
EXPOSE 4317 4318 13133 8888
# Asks the health_check extension whether it is alive: a configuration of your own keeps it, or runs with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:13133/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The launcher execs Node, so that SIGTERM reaches it and the service drains.
ENTRYPOINT ["/app/bin/spanmill"]
CMD ["run", "--config", "/app/pipelines/container.yaml"]
