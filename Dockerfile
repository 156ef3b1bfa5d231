# One image for every role: `annals run relay|intake|worker|projector|gateway`, `annals run service NAME`, and the command line.
# About 7 GB, nearly all of it torch with CUDA: requirements-all.lock has one set of wheels for every machine. Whoever needs no
# model of a hub builds it light: `docker build --build-arg LOCK=requirements.lock .` takes under 1.5 GB.

# The full image has a compiler, for what has no wheel on some processor.
FROM python:3.11.13-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/annals
WORKDIR /app
ARG LOCK=requirements-all.lock
COPY requirements.lock requirements-all.lock ./
RUN /opt/annals/bin/pip install --no-deps --require-hashes -r $LOCK
# The rooms stay where they are, with topics.yaml beside them, as in a checkout.
COPY . ./
RUN /opt/annals/bin/pip install --no-deps --no-build-isolation -e . \
    && /opt/annals/bin/python -m compileall -q /app

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /home/annals annals \
    && install -d -o annals -g annals -m 700 /var/lib/annals /var/lib/checkpoints /var/lib/models
COPY --from=build /opt/annals /opt/annals
COPY --from=build /app /app
ENV PATH=/opt/annals/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Models from a hub have a folder of their own, so that one volume can serve many containers.
ENV ANNALS_DATA=/var/lib/annals ANNALS_CHECKPOINT_FOLDER=/var/lib/checkpoints HF_HOME=/var/lib/models
USER annals
# Where relative paths of commands begin.
WORKDIR /var/lib/annals
VOLUME /var/lib/annals
# The gateway's, where it is told to listen beyond the container.
EXPOSE 8420
# A role at work touches its file every second or two (annals/heartbeat.py); the relay begins when it has made the topics.
# A role that gets nowhere ends by itself, and its restart policy starts it again.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD find "$ANNALS_DATA/run" -name '*.beat' -mmin -1 | grep -q .
ENTRYPOINT ["annals"]
CMD ["--help"]
