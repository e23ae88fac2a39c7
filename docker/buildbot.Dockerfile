# An example: a Buildbot master with the bridge's plugin. Yours will have a Buildbot already; then one line does:
#   pip install --no-deps buildbot_bridge-VERSION-py3-none-any.whl
#
#   docker build -f docker/buildbot.Dockerfile -t buildbot-with-bridge .
#   docker run -v master:/var/lib/buildbot buildbot-with-bridge upgrade-master .      once, and after each upgrade
#   docker run -v master:/var/lib/buildbot -v ./secrets:/etc/buildbot/secrets:ro -p 8010:8010 -p 9989:9989 buildbot-with-bridge
#
#   user      10001:10001, which must own the volume; needs no capability
#   settings  /etc/buildbot/master.cfg (docker/buildbot/master.cfg is there; mount yours), its secrets in /etc/buildbot/secrets
#   ports     8010 web, with the plugin's address below it; 9989 workers
#   licences  each package's in /opt/buildbot/lib/python3.13/site-packages/*.dist-info; Buildbot itself is under GPL-2.0
#
# Arguments and secrets: as of docker/Dockerfile.
ARG BASE=python:3.13-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/buildbot
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/buildbot.txt requirements/build.txt requirements/
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    tools/bin/pip --python /opt/buildbot/bin/python install --require-hashes -r requirements/buildbot.txt \
 && tools/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY listeners listeners
COPY reflector reflector
COPY sql sql
RUN tools/bin/python -m hatchling build -t wheel -d wheel \
 && tools/bin/pip --python /opt/buildbot/bin/python install --no-deps --no-index wheel/*.whl

# hadolint ignore=DL3006
FROM ${BASE}
LABEL org.opencontainers.image.title="buildbot-with-bridge" \
      org.opencontainers.image.description="A Buildbot master with the Buildbot bridge's plugin: an example" \
      org.opencontainers.image.licenses="GPL-2.0-only AND MPL-2.0"
COPY --from=build /opt/buildbot /opt/buildbot
COPY docker/buildbot/master.cfg /etc/buildbot/master.cfg
COPY docker/buildbot/buildbot.tac /var/lib/buildbot/buildbot.tac
RUN chown -R 10001:10001 /var/lib/buildbot
ENV PATH=/opt/buildbot/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/buildbot
WORKDIR /var/lib/buildbot
USER 10001:10001
EXPOSE 8010 9989
ENTRYPOINT ["buildbot"]
CMD ["start", "--nodaemon", "."]
