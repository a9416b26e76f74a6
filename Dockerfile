# One image for the web server and the workers; docker-compose.yml tells them apart.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_LINK_MODE=copy \
    DATA_DIR=/data \
    HF_HOME=/data/models/huggingface

RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir uv \
    && useradd --create-home --uid 1000 pagewise \
    && install -d -o pagewise -g pagewise /data

WORKDIR /app
COPY requirements.lock ./
RUN uv pip install --system --no-cache -r requirements.lock
COPY . .

USER pagewise
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "rag_site.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-proxy-headers", "--timeout-keep-alive", "75"]
