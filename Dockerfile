# One image for all parts; its first argument chooses: receiver, worker, store, api, operator, migrate … (image/parts.ts).
# image/build.ts makes the same image where no container engine is, by reading this file and .dockerignore. It refuses
# what it doesn't know, and a test runs the RUN lines below, so keep this plain.

# Node has the version of package-lock.json. Pin both by digest where your builds must not move.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot
# What runs, as the metric fairlead_build_info tells it: --build-arg VERSION=1.2.3 --build-arg REVISION=$(git rev-parse HEAD).
ARG VERSION=unreleased
ARG REVISION=unknown

FROM ${NODE_IMAGE} AS console
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/client packages/client
COPY services/console services/console
RUN npm ci --workspace=@fairlead/console --include=dev --ignore-scripts --no-audit --no-fund
RUN node services/console/build.ts console

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/
COPY packages/daemon/package.json packages/daemon/
COPY packages/ledger/package.json packages/ledger/
COPY packages/telemetry/package.json packages/telemetry/
COPY packages/webhook/package.json packages/webhook/
COPY packages/wire/package.json packages/wire/
COPY services/api/package.json services/api/
COPY services/prober/package.json services/prober/
COPY services/receiver/package.json services/receiver/
COPY services/store/package.json services/store/
COPY services/worker/package.json services/worker/
COPY operator/package.json operator/
COPY cli/package.json cli/
COPY image/package.json image/
RUN npm ci --workspace=@fairlead/image --omit=dev --ignore-scripts --no-bin-links --no-audit --no-fund
COPY image image
RUN node image/prune.ts node_modules services/api/node_modules
RUN node image/sbom-main.ts sbom.cdx.json

# glibc, libstdc++, CA certificates, the user nonroot (65532) and nothing else: no shell.
FROM ${BASE_IMAGE}
ARG VERSION
ARG REVISION
COPY --from=modules /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
# Where a workspace needs another version than the rest.
COPY --from=modules /app/services/api/node_modules services/api/node_modules
COPY --from=modules /app/sbom.cdx.json ./
COPY package.json ./
COPY packages/client packages/client
COPY packages/daemon packages/daemon
COPY packages/ledger packages/ledger
COPY packages/telemetry packages/telemetry
COPY packages/webhook packages/webhook
COPY packages/wire packages/wire
COPY services/api services/api
COPY services/prober services/prober
COPY services/receiver services/receiver
COPY services/store services/store
COPY services/worker services/worker
COPY --from=console /app/console console
COPY operator operator
COPY cli cli
COPY image/package.json image/main.ts image/parts.ts image/
LABEL org.opencontainers.image.title=Fairlead
LABEL org.opencontainers.image.licenses=Apache-2.0
ENV NODE_ENV=production
ENV FAIRLEAD_CONSOLE_FOLDER=/app/console
ENV FAIRLEAD_VERSION=${VERSION}
ENV FAIRLEAD_REVISION=${REVISION}
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/app/image/main.ts"]
