# docker build -t understudy .
# docker run -p 1935:1935 -v understudy:/srv/understudy understudy
#
# The volume holds conf/, applications/ and logs/; an empty one begins with the samples. The first start says the
# administrator's password. The administration listens inside the container alone, as `docker exec … understudy status` needs it.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /opt/understudy
COPY package.json package-lock.json ./
# the image has a Node of its own; optional dependencies are needed for the compilers of this platform
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node-linux-*

FROM node:24-bookworm AS native
WORKDIR /opt/understudy
COPY bin bin
COPY src src
RUN node bin/native.mjs

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/understudy
COPY --from=dependencies /opt/understudy/node_modules node_modules
COPY --from=native /opt/understudy/build build
COPY package.json LICENSE README.md ./
COPY bin bin
COPY src src
COPY applications applications
# a new volume is filled with what lies here; port 80 and 443 need no rights inside a container of Docker
RUN groupadd --system --gid 1935 understudy \
 && useradd --system --uid 1935 --gid understudy --home-dir /srv/understudy --shell /usr/sbin/nologin understudy \
 && mkdir /srv/understudy \
 && node src/config/write-manual.ts /srv/understudy/conf \
 && cp -r applications /srv/understudy/ \
 && chown -R understudy:understudy /srv/understudy \
 && ln -s /opt/understudy/bin/understudy.js /usr/local/bin/understudy
USER understudy
WORKDIR /srv/understudy
VOLUME /srv/understudy
EXPOSE 1935
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s \
  CMD ["understudy", "status"]
ENTRYPOINT ["understudy"]
CMD ["start"]
