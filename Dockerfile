# Build:  docker build -t collab .
# Run:    docker run -p 8000:8000 -v collab:/instance \
#             -e COLLAB_SITE__BASE_URL=https://collab.example.org collab

# The browser's libraries; the Node.js that fetches them comes from PyPI and stays in this stage.
FROM python:3.13-slim AS browser
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY tools tools
RUN python tools/assets.py

FROM python:3.13-slim AS build
RUN python -m venv /opt/collab
WORKDIR /build
COPY requirements.lock ./
RUN /opt/collab/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
COPY --from=browser /build/collab/static/vendor collab/static/vendor
# Not editable: the image holds no second copy of the source.
RUN /opt/collab/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
# A fixed number, so that a host can give a folder to this user.
RUN useradd --uid 10001 --no-create-home --home-dir /instance collab \
    && install --directory --owner collab --group collab --mode 0700 /instance
COPY --from=build /opt/collab /opt/collab
ENV PATH=/opt/collab/bin:$PATH PYTHONUNBUFFERED=1 COLLAB_INSTANCE=/instance
USER 10001
WORKDIR /instance
VOLUME /instance
EXPOSE 8000
# The image has no curl; Python asks.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["collab"]
CMD ["run", "--bind", "0.0.0.0:8000"]
