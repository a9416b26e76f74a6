"""`manage.py serve`: everything that Pagewise needs, started and stopped together."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import signal
import socket
import sys
import urllib.request
from typing import IO, Any
from urllib.error import URLError

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command

from rag_site import redis_server
from rag_site.supervisor import Service, Supervisor

MIN_FREE_MB = 500
# A busy machine may take minutes; a service that has died is not waited for.
REDIS_SECONDS, WEB_SECONDS = 60, 600
ADMIN_NAME = "admin"
# Who searches waits for the web server; a document that is parsed may take a little longer.
WORKER_NICE = 5


class Command(BaseCommand):
    help = "Start the web server, a worker and, unless REDIS_URL is set, a private Redis."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        lock = _claim_data_dir()
        _check_disk()
        _check_port()
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        call_command("collectstatic", interactive=False, verbosity=0, skip_checks=True)
        self._create_first_admin()
        supervisor = Supervisor()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(supervisor, "stopping", True))
        try:
            self._start(supervisor)
            supervisor.watch()
        finally:
            if supervisor.services:
                self.stdout.write("Stopping ...")
            supervisor.stop()
            lock.close()

    def _create_first_admin(self) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(ADMIN_NAME, password=password)
        self.stdout.write("")
        self.stdout.write(f"  The first administrator:  {ADMIN_NAME}")
        self.stdout.write(f"  Password (shown once):    {password}")
        self.stdout.write("")

    def _start(self, supervisor: Supervisor) -> None:
        self.stdout.write("Starting ...")
        if settings.REDIS_IS_EMBEDDED and not supervisor.run(
            _redis_service(), until=_redis_answers, seconds=REDIS_SECONDS
        ):
            raise CommandError("The private Redis server did not start; see the lines above.")
        if not _redis_answers():
            raise CommandError(f"Redis does not answer at {settings.REDIS_URL}: check REDIS_URL.")
        worker = Service("The worker", _worker_command(), nice=WORKER_NICE)
        supervisor.run(worker, until=lambda: True, seconds=5)
        if settings.LOCAL_VLM_MODEL:
            # It loads while people may ask already: until it is there, answers say so.
            local = Service("The local model", _local_model_command())
            supervisor.run(local, until=lambda: True, seconds=5)
        web = Service("The web server", _web_command())
        if not supervisor.run(web, until=_web_answers, seconds=WEB_SECONDS):
            if supervisor.stopping:
                return
            raise CommandError("The web server did not start; see the lines above.")
        self.stdout.write(self.style.SUCCESS(f"Pagewise is ready: {_url()}  (Ctrl-C stops it)"))


def _url() -> str:
    host = "127.0.0.1" if settings.HOST in ("0.0.0.0", "::") else settings.HOST
    return f"http://{host}:{settings.PORT}"


def _claim_data_dir() -> IO[str]:
    try:
        settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
        lock = (settings.RUN_DIR / "serve.lock").open("w")
    except OSError as exc:
        raise CommandError(f"{settings.DATA_DIR} cannot be written: {exc.strerror}.") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise CommandError(f"Pagewise already runs on {settings.DATA_DIR}.") from exc
    return lock


def _check_disk() -> None:
    free_mb = shutil.disk_usage(settings.DATA_DIR).free // 2**20
    if free_mb < MIN_FREE_MB:
        raise CommandError(
            f"The disk of {settings.DATA_DIR} is full: {free_mb} MB are free, "
            f"{MIN_FREE_MB} MB are needed. Free some space, or set DATA_DIR to another disk."
        )


def _check_port() -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as exc:
            raise CommandError(
                f"Port {settings.PORT} on {settings.HOST} cannot be used ({exc.strerror}). "
                "Stop what uses it, or set PORT to another number."
            ) from exc


def _redis_service() -> Service:
    program = redis_server.executable()
    if program is None:
        raise CommandError(
            "No Redis-compatible server was found. Install one (Debian and Ubuntu: "
            "apt install redis-server), or set REDIS_URL to a server that runs."
        )
    settings.REDIS_SOCKET.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.REDIS_SOCKET.unlink(missing_ok=True)
    return Service("Redis", redis_server.command(program, settings.REDIS_SOCKET))


def _worker_command() -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "rag_site", "worker", "--beat"),
        *("--loglevel", settings.LOG_LEVEL, "--hostname", "pagewise@%h"),
    ]


def _local_model_command() -> list[str]:
    folder = settings.MODELS_DIR / settings.LOCAL_VLM_MODEL
    return [
        *(sys.executable, "-m", "answers.readers.local_server"),
        *("--model", str(folder) if folder.is_dir() else settings.LOCAL_VLM_MODEL),
        *("--port", str(settings.LOCAL_VLM_PORT)),
        *("--context-tokens", str(settings.LOCAL_VLM_CONTEXT_TOKENS)),
        *(["--downloads"] if settings.MODEL_DOWNLOADS else []),
    ]


def _web_command() -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "rag_site.asgi:application"),
        *("--host", settings.HOST, "--port", str(settings.PORT)),
        *("--log-level", settings.LOG_LEVEL.lower(), "--no-access-log"),
        # Who connects from this machine would choose its address; see TRUSTED_PROXIES.
        "--no-proxy-headers",
        # Open event streams must not hold up a stop.
        *("--timeout-graceful-shutdown", "5"),
        # With 5 seconds, its own choice, clients that pause between requests meet a connection
        # that is just being closed: 4 of 1,100 requests of people who think for ten seconds.
        *("--timeout-keep-alive", "75"),
    ]


def _redis_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2).ping())
    except redis.RedisError:
        return False


def _web_answers() -> bool:
    try:
        with urllib.request.urlopen(f"{_url()}/health/live", timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
