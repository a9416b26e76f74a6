"""Files in a bucket. The only module that imports django-storages and its libraries.

What they raise is translated here, for they share no base with the errors of files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3File, S3Storage

from ingestion.errors import TransientError

logger = logging.getLogger(__name__)

NOT_THERE = ("404", "NoSuchKey")


class StorageAway(TransientError, OSError):
    """The bucket cannot be reached, or refuses what it is asked."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error, RetriesExceededError) as exc:
        if isinstance(exc, ClientError) and exc.response["Error"]["Code"] in NOT_THERE:
            raise FileNotFoundError(str(exc)) from exc
        logger.warning("The file storage cannot be used: %s", exc)
        raise StorageAway("The file storage cannot be used. Try again in a moment.") from exc


class BucketFile(S3File):
    """A file to read; it is fetched when it is first read from."""

    def _get_file(self) -> Any:
        with _translated():
            return super()._get_file()

    file = property(_get_file, S3File._set_file)


class BucketStorage(S3Storage):
    """Storage whose errors are those of a disk: FileNotFoundError, and StorageAway."""

    def _open(self, name: str, mode: str = "rb") -> BucketFile:
        with _translated():
            return BucketFile(self._normalize_name(name), mode, self)

    def _save(self, name: str, content: Any) -> str:
        with _translated():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _translated():
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _translated():
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _translated():
            folders, names = super().listdir(name)
            return folders, names

    def size(self, name: str) -> int:
        with _translated():
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        with _translated():
            found: datetime = super().get_modified_time(name)
            return found
