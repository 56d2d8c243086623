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
# Docker only shows this; Wanda ends herself when she cannot work, and the restart policy starts her again.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-m", "bot.web.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
