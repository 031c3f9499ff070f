# HQ in one image: the application, its pinned requirements and its collected static files.
# `docker compose up` uses it for the migration and for the workers.

FROM python:3.11-slim AS requirements
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/hq
COPY requirements.txt /tmp/requirements.txt
# Wheels alone, each with its hash: nothing is built here and nothing unknown is installed.
RUN /opt/hq/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.txt

FROM python:3.11-slim
ENV PATH=/opt/hq/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HQ_VAR_DIR=/var/lib/hq
# The number is fixed so that files on a volume belong to the same user after an upgrade.
RUN groupadd --gid 10001 hq \
    && useradd --uid 10001 --gid hq --home-dir /nonexistent --no-create-home \
       --shell /usr/sbin/nologin hq \
    && install --directory --owner hq --group hq --mode 0700 /var/lib/hq
COPY --from=requirements /opt/hq /opt/hq
WORKDIR /srv/hq
COPY manage.py ./
COPY agents ./agents
COPY missions ./missions
COPY hq_project ./hq_project
# As root, so that the running user can change neither code nor static files. Needs no secret.
RUN python manage.py collectstatic --noinput --verbosity 0
USER 10001:10001
VOLUME /var/lib/hq
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]
