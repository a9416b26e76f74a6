import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.wire import Decoder, WireError, encode


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(1, 60))
def test_messages_survive_being_cut_anywhere(blobs: list[bytes], step: int) -> None:
    data = encode({"page": 1}, blobs) + encode({"page": 2})
    decoder = Decoder()
    pieces = [data[i : i + step] for i in range(0, len(data), step)]
    found = [message for piece in pieces for message in decoder.feed(piece)]
    assert [(m.data, m.blobs) for m in found] == [({"page": 1}, tuple(blobs)), ({"page": 2}, ())]


def head(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        head(b"not json"),
        head(b"[1]"),
        head(json.dumps({"blobs": [-1]}).encode()),
        head(json.dumps({"blobs": [10**12]}).encode()),
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        list(Decoder().feed(data))
