"""Send a signed body to an address that a user gave, and to public addresses only.

The name is resolved once, every address that it has is checked, and the connection goes to
one of those that were checked: a name that points elsewhere a moment later changes nothing.
No redirect is followed and no proxy asked.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urlsplit

from ingestion.errors import PermanentError, TransientError

# Of one step, such as a read; whoever answers byte by byte never exceeds it.
TIMEOUT_SECONDS = 10.0
LONGEST_SECONDS = 20.0
# Prefixes that carry an IPv4 address, which may be a private one.
TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


class AddressRefused(PermanentError):
    code = "address_refused"


class NotSent(TransientError):
    """The address did not take it; `status` is its answer's, if there was one."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return `t=<seconds>,v1=<hex>`: HMAC-SHA256 over `<seconds>.<body>`."""
    signed = b"%d." % timestamp + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def checked_url(url: str) -> SplitResult:
    """Take an address apart. Raises AddressRefused for what is no plain http(s) address."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise AddressRefused(f"This is no address: {exc}.") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused("An address begins with https:// or http://, and names a host.")
    if parts.username or parts.password or not url.isascii() or not url.isprintable():
        raise AddressRefused("An address holds no password, and no letters beyond ASCII.")
    return parts


def is_public(address: str) -> bool:
    """Tell whether an IP address is of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def refuse_private(parts: SplitResult) -> None:
    """Raise AddressRefused for what needs no look-up to be known as no public address.

    Names are looked up when something is sent: where they point may change.
    """
    host = (parts.hostname or "").rstrip(".")
    try:
        # As a connection would read it, so also 127.1 and 0x7f000001.
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        is_private = host == "localhost" or host.endswith(".localhost")
    else:
        is_private = not all(is_public(str(entry[4][0])) for entry in found)
    if is_private:
        raise _no_public(parts)


def _no_public(parts: SplitResult) -> AddressRefused:
    return AddressRefused(f"{parts.hostname} is no public address.")


def resolve(parts: SplitResult, *, allow_private: bool) -> tuple[str, int]:
    """Return the IP address and port to connect to.

    Raises AddressRefused when any address of the name is not public, and NotSent when the
    name cannot be resolved.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise NotSent(f"{parts.hostname} cannot be resolved.") from exc
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise _no_public(parts)
    return addresses[0], port


class _Pinned(http.client.HTTPConnection):
    """Connects to an address that was checked, whatever the name resolves to by now."""

    def __init__(self, parts: SplitResult, address: tuple[str, int]) -> None:
        super().__init__(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        self._address = address
        self._is_over = False
        self._tls = parts.scheme == "https"
        if self._tls:
            self.default_port = 443

    def connect(self) -> None:
        sock = socket.create_connection(self._address, TIMEOUT_SECONDS)
        if self._tls:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        self.sock = sock
        if self._is_over:
            raise TimeoutError

    @contextmanager
    def deadline(self) -> Iterator[None]:
        """Break the connection off after LONGEST_SECONDS. Raises TimeoutError."""
        timer = threading.Timer(LONGEST_SECONDS, self._break_off)
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError):
            if not self._is_over:
                raise
        finally:
            timer.cancel()
        if self._is_over:
            raise TimeoutError(f"no answer within {LONGEST_SECONDS:.0f} seconds")

    def _break_off(self) -> None:
        self._is_over = True
        if self.sock is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which is not made for another thread.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> int:
    """Send the body and return the status, which is 2xx; of the answer no more is read.

    Raises AddressRefused, and NotSent when it was not taken.
    """
    parts = checked_url(url)
    connection = _Pinned(parts, resolve(parts, allow_private=allow_private))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with connection.deadline():
            connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise NotSent(f"{parts.hostname} could not be reached: {exc}") from exc
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotSent(f"{parts.hostname} answered {status}.", status)
    return status
