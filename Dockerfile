# Two stages: the first installs the pinned packages, the second carries only what runs.
FROM python:3.13-slim AS packages
COPY requirements.lock /tmp/
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Wanda" org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --home-dir /app wanda \
 && install --directory --owner wanda --group wanda /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY bot/ bot/
COPY cogs/ cogs/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WANDA_DATA_DIR=/data
USER wanda
VOLUME /data
# The port is on the container's own loopback; nothing is published.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('WANDA_WEB_PORT') or 8422}/healthz\", timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
