# Two stages: the first installs the pinned packages, the second carries only what runs.
FROM python:3.13 AS packages
COPY requirements.lock /tmp/
# Debug information and the packages' own tests are a sixth of what is installed. The bundled libraries (*.libs) stay as
# they are: their wheels have patched them, and strip can break what is patched.
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock \
 && find /venv -name '*.so*' -type f -not -path '*.libs/*' -exec strip --strip-debug {} + \
 && find /venv -type d -name tests -prune -exec rm -r {} +

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Wanda" org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --home-dir /app wanda \
 && install --directory --owner wanda --group wanda --mode 700 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY bot/ bot/
COPY cogs/ cogs/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WANDA_DATA_DIR=/data
USER wanda
VOLUME /data
# Asks /healthz: whether she is alive, also while she starts or stands by. Docker only shows it. When she cannot work for
# too long, she ends herself, and the restart policy starts her again.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-m", "bot.web.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
