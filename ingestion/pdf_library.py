"""The PDF library: the only module that imports it, loads its models, and knows its errors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


class PdfError(Exception):
    """The library failed on a part of the file."""


def load_library(*, layout: bool) -> Any:
    """Import the library; with `layout`, its models too, which takes a second longer."""
    if layout:
        _keep_models_to_one_thread()
    else:
        # The library loads its models as soon as they can be imported.
        sys.modules.setdefault("pymupdf.layout", None)  # type: ignore[arg-type]
        sys.modules.setdefault("pymupdf4llm", None)  # type: ignore[arg-type]
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf


def _keep_models_to_one_thread() -> None:
    """Give every layout model one thread: pages, not models, are run in parallel.

    A second thread halves no page's time (it spins, waiting), but takes a core from the
    child that reads the next page. The library offers no setting for it.
    """
    import onnxruntime

    class OneThread(onnxruntime.SessionOptions):
        def __init__(self) -> None:
            super().__init__()
            self.intra_op_num_threads = 1
            self.inter_op_num_threads = 1

    onnxruntime.SessionOptions = OneThread


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into PdfError; MemoryError passes through."""
    import pymupdf

    try:
        yield
    except pymupdf.mupdf.FzErrorSystem as exc:
        raise MemoryError(str(exc)) from exc
    except (
        pymupdf.mupdf.FzErrorBase,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ZeroDivisionError,
        OverflowError,
        RecursionError,
    ) as exc:
        raise PdfError(f"{type(exc).__name__}: {exc}") from exc
