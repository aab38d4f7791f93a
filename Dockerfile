# The gateway: web UI, REST API, admin and WebSocket on one port.
FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS packages
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin devmentor
WORKDIR /srv/devmentor
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY realtime/ realtime/
COPY projects/ projects/
COPY devmentor/ devmentor/
# The development secrets of DEBUG serve this one command; the running container has to bring its own.
RUN DEBUG=true python manage.py collectstatic --no-input
# Numbers, so that Kubernetes can see that this is not root.
USER 10001:10001
EXPOSE 8002
# /health is what the process itself says; a database that is away is no reason to restart it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT') or 8002}/health\", timeout=2)"]
CMD ["python", "manage.py", "gateway", "--host", "0.0.0.0", "--web-port", "0"]
