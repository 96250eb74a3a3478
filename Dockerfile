# python:3.13-slim, and nothing but wheels by their hashes from requirements.lock: no compiler at any stage.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_ONLY_BINARY=:all:
WORKDIR /build
RUN python -m venv --without-pip /opt/kafka-resend
# The packages before the code: they change less often.
COPY requirements.lock ./
RUN sed '/^# build/,$d' requirements.lock >runtime.lock \
    && sed -n '/^# build/,/^# development/p' requirements.lock >build.lock \
    && python -m pip --python /opt/kafka-resend/bin/python install --require-hashes --requirement runtime.lock \
    && python -m pip install --require-hashes --requirement build.lock
COPY . ./
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/kafka-resend/bin/python install --no-deps dist/*.whl

FROM ${PYTHON}
COPY --from=build /opt/kafka-resend /opt/kafka-resend
ENV PATH=/opt/kafka-resend/bin:$PATH PYTHONUNBUFFERED=1 RESEND_HTTP__HOST=0.0.0.0
# A number, so that Kubernetes can tell that it is not root. Nothing is written anywhere: the root can be read-only.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
# Exits with an error where the answer is not a 200.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import os, urllib.request as web; \
web.urlopen('http://127.0.0.1:' + os.environ.get('RESEND_HTTP__PORT', '8080') + '/readyz', timeout=4)"]
ENTRYPOINT ["kafka-resend"]
CMD ["serve"]
