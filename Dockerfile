# genre-batch with the shipped model, in an image of some 700 MB that runs as an ordinary user:
#
#   docker build -t genre-batch .
#   docker run --rm -u "$(id -u):$(id -g)" -v "$PWD:/data" genre-batch tag films.csv -o tagged.parquet
#
# Nodes of a Ray cluster: docker build -t genre-batch-ray --build-arg EXTRAS='[ray]' .
# scripts/check_dockerfile follows the steps below without a builder.
FROM python:3.11-slim AS build
ARG EXTRAS=
WORKDIR /source
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY export export
COPY genre_batch genre_batch
RUN python -m venv /opt/genre-batch
RUN /opt/genre-batch/bin/pip install --no-cache-dir -c constraints.txt ".${EXTRAS}"

FROM python:3.11-slim
COPY --from=build /opt/genre-batch /opt/genre-batch
RUN useradd --create-home --uid 1000 films
# HOME holds the store of runs that write to cloud storage; any user may write there.
RUN chmod 1777 /home/films
ENV PATH=/opt/genre-batch/bin:$PATH HOME=/home/films PYTHONUNBUFFERED=1
USER films
WORKDIR /data
ENTRYPOINT ["genre-batch"]
CMD ["--help"]
