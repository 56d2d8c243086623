# Two stages: the first installs the pinned packages, the second carries only what runs. Where the official images cannot
# be fetched, others take their place: --build-arg PACKAGES_IMAGE=… with Python, pip and strip, RUNTIME_IMAGE=… with Python.
ARG PACKAGES_IMAGE=python:3.13
ARG RUNTIME_IMAGE=python:3.13-slim
FROM ${PACKAGES_IMAGE} AS packages
COPY requirements.lock /tmp/
# Debug information and the packages' own tests are a sixth of what is installed. The bundled libraries (*.libs) stay as
# they are: their wheels have patched them, and strip can break what is patched.
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock \
 && find /venv -name '*.so*' -type f -not -path '*.libs/*' -exec strip --strip-debug {} + \
 && find /venv -type d -name tests -prune -exec rm -r {} +

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="Wanda" org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 wanda \
 && useradd --uid 10001 --gid wanda --home-dir /app --no-create-home --shell /usr/sbin/nologin wanda \
 && install --directory --owner wanda --group wanda --mode 700 /data /files
COPY --from=packages /venv /venv
WORKDIR /app
COPY bot/ bot/
COPY cogs/ cogs/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WANDA_DATA_DIR=/data
# By number, so that Kubernetes sees that it is not root.
USER 10001:10001
VOLUME /data
# Asks /healthz: whether she is alive, also while she starts or stands by. Docker only shows it. When she cannot work for
# too long, she ends herself, and the restart policy starts her again.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-m", "bot.web.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
