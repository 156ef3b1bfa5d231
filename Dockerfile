# One image for every role: `annals run relay|intake|worker|projector`, and the command line.
# About 7 GB, nearly all of it torch with CUDA: requirements.lock has one set of wheels for every machine.

# The full image has a compiler, for what has no wheel on some processor.
FROM python:3.11.13-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/annals
WORKDIR /app
COPY requirements.lock ./
RUN /opt/annals/bin/pip install --require-hashes -r requirements.lock
# The rooms stay where they are, with topics.yaml beside them, as in a checkout.
COPY . ./
RUN /opt/annals/bin/pip install --no-deps --no-build-isolation -e . \
    && /opt/annals/bin/python -m compileall -q /app

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /home/annals annals \
    && install -d -o annals -g annals -m 700 /var/lib/annals
COPY --from=build /opt/annals /opt/annals
COPY --from=build /app /app
ENV PATH=/opt/annals/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ANNALS_DATA=/var/lib/annals
USER annals
# Faust makes a folder where it is started.
WORKDIR /var/lib/annals
VOLUME /var/lib/annals
# The broker answers and has our topics. A role that gets nowhere ends by itself, and its restart policy starts it again.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 CMD ["annals", "topics", "diff"]
ENTRYPOINT ["annals"]
CMD ["--help"]
