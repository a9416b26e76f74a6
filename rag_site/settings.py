"""Every setting, read once, from the environment or `.env`; nonsense is refused at start.

This is the only module that reads `os.environ`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django_guid.integrations import CeleryIntegration
from environs import Env, EnvValidationError, ValidationError, validate
from kombu.entity import Queue

from rag_site import space_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)
env.read_env(str(BASE_DIR / ".env"), recurse=False)

AT_LEAST_ONE = validate.Range(min=1)


def _url_with_scheme(*schemes: str) -> Any:
    def check(value: str) -> None:
        if value and urlsplit(value).scheme not in schemes:
            raise ValidationError(
                f"Must be a URL starting with {' or '.join(s + '://' for s in schemes)}"
            )

    return check


ENDPOINT_PROFILES = (
    *("generic", "vllm", "llama_cpp", "ollama", "lm_studio"),
    *("openai", "gemini", "anthropic", "local"),
)
# What an entry of READERS may say, and what each value has to be.
ENDPOINT_FIELDS: dict[str, type] = {
    **dict.fromkeys(("base_url", "model", "api_key", "profile"), str),
    **dict.fromkeys(("timeout_seconds", "max_images", "image_pixels"), int),
    **dict.fromkeys(("context_tokens", "max_output_tokens"), int),
}


def _endpoints(value: Any) -> None:
    """Refuse what is no object of named endpoints, in a sentence."""
    if not isinstance(value, dict):
        raise ValidationError("Must be a JSON object of readers by name")
    for name, fields in value.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name) or name in RESERVED_READERS:
            raise ValidationError(f"“{name}” cannot be a reader's name: use a-z, 0-9, -, _ and .")
        if not isinstance(fields, dict) or not {"base_url", "model"} <= fields.keys():
            raise ValidationError(f"“{name}” must have a base_url and a model")
        for field, said in fields.items():
            wanted = ENDPOINT_FIELDS.get(field)
            if wanted is None:
                raise ValidationError(f"“{name}” has “{field}”, which is none of its fields")
            is_right = isinstance(said, wanted) and not isinstance(said, bool)
            if not is_right or (wanted is int and said < (field != "max_images")):
                kind = "a text" if wanted is str else "a positive number"
                raise ValidationError(f"“{field}” of “{name}” must be {kind}")
        _url_with_scheme("http", "https")(fields["base_url"])
        if fields.get("profile", "") not in ("", *ENDPOINT_PROFILES):
            raise ValidationError(f"“profile” of “{name}” must be one of {ENDPOINT_PROFILES}")


RESERVED_READERS = ("openai_compatible", "extractive", "local")

DEBUG = env.bool("DEBUG", False)
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "data"))).expanduser().resolve()
RUN_DIR = DATA_DIR / "run"
INDEX_DIR = DATA_DIR / "index"

# --- web -------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000, validate=validate.Range(min=1, max=65535))
# Set where a proxy in front speaks HTTPS: cookies and redirects then insist on it.
HTTPS = env.bool("HTTPS", False)
# How many proxies in front add to X-Forwarded-For. With none it is whatever a client says.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0))
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600, validate=AT_LEAST_ONE)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", 2, validate=AT_LEAST_ONE)
TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=validate.OneOf(available_timezones()))
LOG_LEVEL = env.str(
    "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
)

LOG_FORMAT = env.str("LOG_FORMAT", "line", validate=validate.OneOf(["line", "json"]))

# --- services --------------------------------------------------------------------------------

# Checked by its scheme before it is taken apart: dj-database-url knows more databases than we do.
env.str("DATABASE_URL", "", validate=_url_with_scheme("sqlite", "postgres", "postgresql"))
DATABASE = env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'pagewise.sqlite3'}")
# Empty: a private server that `manage.py serve` starts, on a unix socket under data/run/.
REDIS_URL = env.str("REDIS_URL", "", validate=_url_with_scheme("redis", "rediss", "unix"))

# Whether webhooks may go to addresses that are not of the public internet.
WEBHOOK_PRIVATE_ADDRESSES = env.bool("WEBHOOK_PRIVATE_ADDRESSES", False)

# Files go to this bucket where one is named, else to DATA_DIR; see README.md.
S3_BUCKET = env.str("S3_BUCKET", "")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", "", validate=_url_with_scheme("http", "https"))
S3_REGION = env.str("S3_REGION", "")
S3_ACCESS_KEY = env.str("S3_ACCESS_KEY", "")
S3_SECRET_KEY = env.str("S3_SECRET_KEY", "")

# Sign-in through an OpenID Connect provider, where one is named (install the extra `oidc`).
OIDC_ISSUER = env.str("OIDC_ISSUER", "", validate=_url_with_scheme("http", "https")).rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("OIDC_NAME", "OpenID Connect")
# Whether somebody whom the provider knows and this site does not gets an account.
OIDC_SIGN_UP = env.bool("OIDC_SIGN_UP", False)
OIDC_ADMIN_GROUP = env.str("OIDC_ADMIN_GROUP", "")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", "groups")
# Whether the sign-in page shows the password's fields at once.
PASSWORD_SIGN_IN = env.bool("PASSWORD_SIGN_IN", True)

# --- ingestion -------------------------------------------------------------------------------

UPLOAD_MAX_MB = env.int("UPLOAD_MAX_MB", 200, validate=AT_LEAST_ONE)
UPLOAD_MAX_PAGES = env.int("UPLOAD_MAX_PAGES", 5000, validate=AT_LEAST_ONE)
PARSE_PROCESSES = env.int("PARSE_PROCESSES", os.cpu_count() or 1, validate=AT_LEAST_ONE)
PARSE_MEMORY_MB = env.int("PARSE_MEMORY_MB", 2048, validate=validate.Range(min=512))
PARSE_PAGE_SECONDS = env.int("PARSE_PAGE_SECONDS", 60, validate=AT_LEAST_ONE)
# A document goes through these tasks in this order, as a Celery chain of ids.
INGESTION_PIPELINE = ["ingestion.tasks.parse_document", "retrieval.tasks.embed_document"]

# --- models ----------------------------------------------------------------------------------

MODELS_DIR = Path(env.str("MODELS_DIR", str(DATA_DIR / "models"))).expanduser().resolve()
TEXT_MODEL = env.str("TEXT_MODEL", "sentence-transformers/all-MiniLM-L6-v2")
IMAGE_MODEL = env.str("IMAGE_MODEL", "ViT-B-32/laion2b_s34b_b79k")
RERANK_MODEL = env.str("RERANK_MODEL", "cross-encoder/ms-marco-MiniLM-L-6-v2")
MODEL_DOWNLOADS = env.bool("MODEL_DOWNLOADS", True)
# Whether workers export text encoders to ONNX, which encodes a query several times faster.
COMPILE_ENCODERS = env.bool("COMPILE_ENCODERS", True)
# Whether a version with another model waits, full, to be compared before it is searched.
ASK_BEFORE_SWITCH = env.bool("ASK_BEFORE_SWITCH", False)

# --- retrieval -------------------------------------------------------------------------------

SPACES: dict[str, dict[str, Any]] = {
    "text": {
        "embedder": "retrieval.embedders.sentence_transformer.SentenceTransformerEmbedder",
        "model": TEXT_MODEL,
        "metric": "model",
        "kinds": ["text", "table", "image"],
        "input": "text",
        "batch_size": 32,
        "index": dict(space_settings.INDEX),
    },
    "image": {
        "embedder": "retrieval.embedders.open_clip.OpenClipEmbedder",
        "model": IMAGE_MODEL,
        "metric": "cosine",
        "kinds": ["table", "image"],
        "input": "image",
        "batch_size": 16,
        "index": dict(space_settings.INDEX),
        # Where the model's weights cannot be had, the space holds these vectors of each
        # figure's caption, inner text and referring sentences instead, and says so.
        "fallback": "text",
    },
}
# Further spaces, or other values for these; see README.md.
SPACES_FILE = Path(env.str("SPACES_FILE", str(DATA_DIR / "spaces.toml"))).expanduser()
KEYWORD_ANALYZER = "en_stem"
SEARCH_DEFAULTS: dict[str, Any] = {
    "candidates": 60,
    # How the lists are merged, and what each weighs: measured, see docs/retrieval.md.
    "fusion": "zmuv",
    "rrf_k": 60,
    "weights": {"text": 0.3, "image": 0.3, "keywords": 1.0},
    "rerank": 40,
    "top_k": 10,
}
# How long an answer to a search is kept in the cache; what changes the index changes its key.
SEARCH_CACHE_SECONDS = env.int("SEARCH_CACHE_SECONDS", 600, validate=validate.Range(min=0))
# More fresh rows than this and a new FAISS snapshot is built.
SNAPSHOT_AFTER_ROWS = 2000

# --- answers ---------------------------------------------------------------------------------

VLM_BASE_URL = env.str("VLM_BASE_URL", "", validate=_url_with_scheme("http", "https"))
VLM_MODEL = env.str("VLM_MODEL", "")
VLM_API_KEY = env.str("VLM_API_KEY", "")
VLM_TIMEOUT_SECONDS = env.int("VLM_TIMEOUT_SECONDS", 120, validate=AT_LEAST_ONE)
VLM_MAX_IMAGES = env.int("VLM_MAX_IMAGES", 4, validate=validate.Range(min=0))
VLM_IMAGE_PIXELS = env.int("VLM_IMAGE_PIXELS", 1024, validate=validate.Range(min=64))
VLM_CONTEXT_TOKENS = env.int("VLM_CONTEXT_TOKENS", 8192, validate=validate.Range(min=512))
VLM_MAX_OUTPUT_TOKENS = env.int("VLM_MAX_OUTPUT_TOKENS", 1024, validate=validate.Range(min=16))

VLM_PROFILE = env.str("VLM_PROFILE", "", validate=validate.OneOf(["", *ENDPOINT_PROFILES]))

# A local model that a process of its own loads, once, and serves to this machine alone.
LOCAL_VLM_MODEL = env.str("LOCAL_VLM_MODEL", "")
LOCAL_VLM_PORT = env.int("LOCAL_VLM_PORT", 8011, validate=validate.Range(min=1, max=65535))
LOCAL_VLM_CONTEXT_TOKENS = env.int(
    "LOCAL_VLM_CONTEXT_TOKENS", 8192, validate=validate.Range(min=512)
)

_OPENAI_COMPATIBLE = "answers.readers.openai_compatible.OpenAICompatibleReader"
# Further endpoints, each with a name that conversations choose it by.
_further: Any = env.json("READERS", {}, validate=_endpoints)
ENDPOINTS: dict[str, dict[str, Any]] = _further or {}
if LOCAL_VLM_MODEL:
    ENDPOINTS = ENDPOINTS | {
        "local": {
            "base_url": f"http://127.0.0.1:{LOCAL_VLM_PORT}/v1",
            "model": LOCAL_VLM_MODEL,
            "profile": "local",
            "context_tokens": LOCAL_VLM_CONTEXT_TOKENS,
            "timeout_seconds": 600,
        }
    }
READERS: dict[str, str] = {
    "openai_compatible": _OPENAI_COMPATIBLE,
    **dict.fromkeys(ENDPOINTS, _OPENAI_COMPATIBLE),
    "extractive": "answers.readers.extractive.ExtractiveReader",
}
READER = env.str(
    "READER", "openai_compatible" if VLM_BASE_URL else next(iter(ENDPOINTS), "extractive")
)

# Reading is waiting for a model or, for the extractive reader, work for the cores: more answers
# at once than this only make each one slower.
ANSWERS_AT_A_TIME = env.int("ANSWERS_AT_A_TIME", 8, validate=AT_LEAST_ONE)


def _refuse(problem: str) -> None:
    sys.exit(f"Pagewise cannot start: {problem}\nSee the table of settings in README.md.")


try:
    env.seal()
except EnvValidationError as exc:
    _refuse(
        "; ".join(
            f"{name} is set to nonsense: {' '.join(map(str, messages))}"
            for name, messages in dict(exc.error_messages).items()  # type: ignore[arg-type]
        )
    )
try:
    SPACES = space_settings.read(SPACES_FILE, SPACES, os.environ)
except ValueError as exc:
    _refuse(str(exc))
if READER not in READERS:
    _refuse(f"READER is “{READER}”, which READERS does not name: {', '.join(READERS)}.")
if VLM_BASE_URL and not VLM_MODEL:
    _refuse("VLM_BASE_URL is set but VLM_MODEL is not: name the model that the endpoint serves.")

HAS_ALLAUTH = all(find_spec(name) for name in ("allauth", "requests", "jwt"))
if OIDC_ISSUER and not HAS_ALLAUTH:
    _refuse("OIDC_ISSUER is set, but django-allauth is not installed: install the extra `oidc`.")
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    _refuse("OIDC_ISSUER is set: set OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, too.")

REDIS_SOCKET = RUN_DIR / "redis.sock"
if len(str(REDIS_SOCKET)) > 100:  # The kernel takes 107 bytes for a unix socket's path.
    _digest = hashlib.sha256(str(RUN_DIR).encode()).hexdigest()[:12]
    REDIS_SOCKET = Path(tempfile.gettempdir()) / f"pagewise-{os.getuid()}-{_digest}" / "redis.sock"
REDIS_IS_EMBEDDED = not REDIS_URL
REDIS_URL = REDIS_URL or f"unix://{REDIS_SOCKET}"

SECRET_KEY_FILE = DATA_DIR / "secret_key"


def _secret_key() -> str:
    """Read the key made at first start, or make it: sessions must survive a restart."""
    from django.core.management.utils import get_random_secret_key

    try:
        return SECRET_KEY_FILE.read_text().strip()
    except FileNotFoundError:
        pass
    key = get_random_secret_key()
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        with SECRET_KEY_FILE.open("x") as file:
            SECRET_KEY_FILE.chmod(0o600)
            file.write(key)
    except FileExistsError:
        return SECRET_KEY_FILE.read_text().strip()
    except OSError as exc:
        _refuse(f"the data folder {DATA_DIR} cannot be written ({exc.strerror}).")
    return key


SECRET_KEY = SECRET_KEY or _secret_key()

# --- Django ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "servestatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_guid",
    "csp",
    "axes",
    "rag_site",
    "rag_site.accounts",
    "rag_site.webhooks",
    "ingestion",
    "retrieval",
    "answers",
]

MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "rag_site.metrics.CountRequests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "rag_site.accounts.throttling.RateLimitHeaders",
    "rag_site.idempotency.Idempotency",
    "axes.middleware.AxesMiddleware",
]

if HAS_ALLAUTH:
    _ALLAUTH = ["allauth", "allauth.account", "allauth.socialaccount"]
    # Before ours, which leaves out of the admin what is of no use there.
    INSTALLED_APPS[:0] = [*_ALLAUTH, "allauth.socialaccount.providers.openid_connect"]
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
    SOCIALACCOUNT_ADAPTER = "rag_site.accounts.oidc.Adapter"
    SOCIALACCOUNT_STORE_TOKENS = False
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "provider_class": "rag_site.accounts.oidc.Provider",
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": OIDC_NAME,
                    "client_id": OIDC_CLIENT_ID,
                    "secret": OIDC_CLIENT_SECRET,
                    "settings": {"server_url": OIDC_ISSUER},
                }
            ],
        }
    }

ROOT_URLCONF = "rag_site.urls"
ASGI_APPLICATION = "rag_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

if DATABASE["ENGINE"].endswith("sqlite3"):
    # WAL lets the web process read while a worker writes; IMMEDIATE makes a writer wait for
    # its turn at BEGIN instead of failing with "database is locked" in the middle.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASES = {"default": DATABASE}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = WORKER_PROCESSES
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message whose worker died is delivered again after this long; no task runs as long but
# operations, which one process at a time can hold.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "queue_order_strategy": "priority",
    "priority_steps": [0, 3, 6, 9],
}
# A worker takes all of them unless it is started with -Q; what is named first goes first.
QUEUES = ("celery", "embedding", "parsing")
CELERY_TASK_QUEUES = [Queue(name) for name in QUEUES]
CELERY_TASK_DEFAULT_QUEUE = QUEUES[0]
CELERY_TASK_ROUTES = {
    "ingestion.tasks.parse_document": {"queue": "parsing"},
    "retrieval.tasks.embed_document": {"queue": "embedding"},
    "retrieval.tasks.build_space_version": {"queue": "embedding"},
    "retrieval.tasks.compile_encoders": {"queue": "embedding"},
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(RUN_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "put-back-stuck-documents": {
        "task": "ingestion.tasks.put_back_stuck_documents",
        "schedule": 20.0,
        # While all workers are busy, one look is worth as much as ten.
        "options": {"expires": 20},
    },
    "forget-expired-uploads": {
        "task": "ingestion.tasks.forget_expired_uploads",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "tend-indexes": {
        "task": "retrieval.tasks.tend_indexes",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "send-webhooks-again": {
        "task": "rag_site.webhooks.tasks.deliver_due",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "forget-single-questions": {
        "task": "answers.tasks.forget_single_questions",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Ten wrong passwords for one name from one address, and both wait together.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # Hours.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "rag_site.accounts.throttling.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "answers:chat"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where brotli happens to be installed, its best takes a minute of the first start.
SERVESTATIC_USE_BROTLI = False
MEDIA_ROOT = DATA_DIR / "files"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "ingestion.s3_storage.BucketStorage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "region_name": S3_REGION or None,
            # Without keys here they come from the machine's role, as boto3 finds them.
            "access_key": S3_ACCESS_KEY or None,
            "secret_key": S3_SECRET_KEY or None,
            "default_acl": None,
            "file_overwrite": False,
        },
    }
# Larger uploads go to a temporary file while they arrive, so memory stays bounded.
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Asked by machines beside this one, without the proxy.
    SECURE_REDIRECT_EXEMPT = [r"^health", r"^metrics$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
# Whether a domain's other hosts speak HTTPS, this site cannot know.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rag_site.accounts.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "rag_site.accounts.scopes.TokenScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["rag_site.accounts.throttling.ApiThrottle"],
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rag_site.pagination.StrictLimitOffset",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "rag_site.errors.api_exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"
# Knox' own table would stay empty, and stand in the way of flushing the users' table.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_PREFIX": "pw_"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pagewise API",
    "DESCRIPTION": "Upload PDF documents, search them, and ask questions that are answered "
    "with citations.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rag_site.schema.describe_heads",
        "rag_site.schema.describe_problems",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ChunkKindEnum": "ingestion.models.ChunkKind",
        "DocumentStateEnum": "ingestion.models.DocumentState",
        "MessageStateEnum": "answers.models.MessageState",
        "SpaceStateEnum": "retrieval.models.SpaceVersionState",
    },
}

# One id for a request, and for all work of the workers that follows from it.
DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "VALIDATE_GUID": True,
    "INTEGRATIONS": [CeleryIntegration(use_django_logging=True)],
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "django_guid.log_filters.CorrelationId"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(correlation_id).8s] %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(correlation_id)s %(message)s",
            "rename_fields": {
                "asctime": "time",
                "levelname": "level",
                "name": "logger",
                "correlation_id": "request_id",
            },
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "axes": {"level": "WARNING"},
        "django_guid": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "sentence_transformers": {"level": "WARNING"},
    },
}
