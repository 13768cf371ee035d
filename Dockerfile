# The image: the program as a user of its own, on a root that can be read-only, with one volume and no shell.
#
#     docker build --build-arg BUILD_COMMIT="$(git rev-parse --short=12 HEAD)" --tag portcullis .
#
# docs/install.md goes on from here.

FROM rust:1.95-bookworm AS build
WORKDIR /portcullis
COPY . .
ARG BUILD_COMMIT
RUN cargo build --locked --package portcullis-server --profile dist
# The folder of data goes by a way of its own. Some builders give all that they copy to root unless `--chown` says
# otherwise, and `--chown` changes what a copy makes, but no folder that is there already.
RUN packaging/container/make-root /image target/dist/portcullis && mkdir /owned && mv /image/var/lib/portcullis /owned/

FROM scratch
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /var/lib
ENV PORTCULLIS_DATA_DIR=/var/lib/portcullis
ENV PORTCULLIS_LISTEN=0.0.0.0:3000
USER 10001:10001
VOLUME /var/lib/portcullis
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/bin/portcullis", "health"]
ENTRYPOINT ["/usr/bin/portcullis"]
CMD ["serve"]
