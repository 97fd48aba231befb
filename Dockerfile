# Pinwire in a container: one binary, and nothing to build it with.
#
#   docker build -t pinwire .
#   docker run --rm -p 8080:8080 -v pinwire:/data pinwire

ARG DEBIAN=bookworm
ARG RUST=1.95

FROM rust:${RUST}-${DEBIAN} AS build
# TLS to PostgreSQL builds OpenSSL from source, which takes perl and make. This image has both;
# the check says so before a long build, should a smaller one be put here.
RUN perl -MIPC::Cmd -e 1 && make --version > /dev/null
WORKDIR /source
COPY . .
# The caches are mounts, so the binary is taken out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked -p pinwire-gateway --features postgres-tls \
    && install -D target/release/pinwire /out/pinwire

FROM debian:${DEBIAN}-slim
# The roots that a certificate is checked against, PostgreSQL's and those of other hosts; and the
# one folder that the program may write to.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 /data
COPY --from=build /out/pinwire /usr/local/bin/pinwire

# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Without a database URL the program keeps its SQLite file in the working directory.
WORKDIR /data
VOLUME /data
ENV PINWIRE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# The program stops in order on this.
STOPSIGNAL SIGTERM
# bash asks by itself, so the image needs no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["pinwire"]
CMD ["serve"]
