# What stands around the bridge in the demo of compose.yaml: a double of Taskcluster's queue, and a Buildbot with the plugin.
# Nothing of it is for production. Built from a clone's root, as the Dockerfile beside it, with the same BASE and build secrets.
ARG BASE=python:3.13-slim

# hadolint ignore=DL3006
FROM ${BASE} AS queue
WORKDIR /demo
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN ["python3", "-m", "venv", "/venv"]
# The double checks what it is sent with the tests' own packages.
COPY requirements/dev.txt requirements/
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /venv/bin/pip install --require-hashes -r requirements/dev.txt
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY bridge bridge
COPY listeners listeners
COPY reflector reflector
COPY sql sql
RUN ["/venv/bin/python", "-m", "hatchling", "build", "-t", "wheel", "-d", "/wheel"]
COPY tests/__init__.py tests/
COPY tests/doubles tests/doubles
COPY docker/demo .
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "tests.doubles.taskcluster", "--help"]

# hadolint ignore=DL3006
FROM ${BASE} AS buildbot
WORKDIR /demo
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN ["python3", "-m", "venv", "/venv"]
COPY requirements/buildbot.txt requirements/
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /venv/bin/pip install --require-hashes -r requirements/buildbot.txt
COPY --from=queue /wheel /wheel
# As a master's administrator does it: the wheel, and no package more.
RUN /venv/bin/pip install --no-deps --no-index /wheel/*.whl && install -d -o 10001 -g 10001 /master /worker
COPY docker/demo .
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8010 9989
CMD ["twistd", "--help"]
