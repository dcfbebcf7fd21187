# One image for every process: ciservice web | worker | runner | beat | manage migrate
ARG BASE_IMAGE=python:3.12-slim-bookworm
FROM ${BASE_IMAGE}

RUN apt-get update \
    && apt-get install -y --no-install-recommends git openssh-client ca-certificates postgresql-client python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/ciservice --create-home ciservice

WORKDIR /opt/ciservice
COPY pyproject.toml README.md ./
COPY accounts accounts
COPY builds builds
COPY ciservice ciservice
COPY deployments deployments
COPY notifications notifications
COPY runners runners
COPY templates templates
COPY manage.py ./
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -e .

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=ciservice.settings \
    DATA_DIR=/var/lib/ciservice \
    STATIC_ROOT=/opt/ciservice/static-root
# Static files are collected with secrets of the moment; none of them stays in the image.
RUN python3 -c "import secrets, os; os.environ.update({n: secrets.token_urlsafe(48) for n in ('SECRET_KEY', 'SEALING_KEY')}); \
    os.execvp('ciservice', ['ciservice', 'manage', 'collectstatic', '--noinput', '-v', '0'])" \
    && chown -R ciservice: /var/lib/ciservice
USER ciservice
VOLUME /var/lib/ciservice
EXPOSE 8000
ENTRYPOINT ["ciservice"]
CMD ["web"]
