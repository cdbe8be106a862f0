# The site with all its dependencies: docker run -p 8000:8000 IMAGE
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS packages

# The environment has no pip: the pip of the base image installs into it, from wheels with the hashes in the file.
RUN python -m venv --without-pip /venv
COPY requirements*.txt .
# Optional packages: EXTRAS=s3 installs requirements-s3.txt, and so on.
ARG EXTRAS=
RUN --mount=type=cache,target=/var/cache/pip \
    PIP_CACHE_DIR=/var/cache/pip pip --disable-pip-version-check --python /venv/bin/python install --require-hashes --only-binary :all: --no-compile \
        -r requirements.txt $(for extra in $EXTRAS; do echo "-r requirements-$extra.txt"; done)
# Remove files that are used only for builds, tests and other languages.
RUN cd /venv/lib/python3.*/site-packages \
    && rm -rf pyarrow/include pyarrow/tests pyarrow/src pyarrow/*.pxd pyarrow/*.pyx pyarrow/*.pxi pyarrow/includes \
        pyarrow/*flight* pyarrow/*gandiva* pyarrow/*s3* numpy/*/tests numpy/tests numpy/f2py numpy/_core/include \
    && find . -name '*.a' -delete \
    && find . -path '*/locale/*' -prune -type d ! -name 'en*' -exec rm -rf {} + \
    && python -m compileall -q -j 0 .

FROM ${PYTHON_IMAGE}

RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin tabularium \
    && install -d -o tabularium -g tabularium /data /secrets/site /secrets/database
COPY --from=packages /venv /venv
COPY . /app
WORKDIR /app

# Every variable can be overridden. The secrets are generated at the first start.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/tabularium.sqlite3 \
    MEDIA_ROOT=/data/media \
    STATIC_ROOT=/app/static \
    TMPDIR=/data/tmp \
    SECRET_KEY_FILE=/data/secret_key \
    ALLOWED_HOSTS=localhost,127.0.0.1,[::1] \
    HTTPS=off \
    HEALTH_PORT=8001 \
    SITE_URL=http://localhost:8000
RUN python -m compileall -q . \
    && TMPDIR=/tmp SECRET_KEY_FILE= SECRET_KEY=of-the-build-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF \
        DATABASE_URL=sqlite:////tmp/none.sqlite3 python manage.py collectstatic --no-input --verbosity 0 \
    && find static -name '*.map*' -delete

USER tabularium
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s CMD ["deploy/healthy"]
ENTRYPOINT ["deploy/entrypoint"]
CMD ["site"]
