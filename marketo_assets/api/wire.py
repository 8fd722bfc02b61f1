"""The connection: one pool for all threads, TLS verified, timeouts on everything, foreign exceptions kept out."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

import httpx

from marketo_assets.api.errors import MarketoError, Unreachable, UnreadableAnswer, WrongInstance
from marketo_assets.api.routes import CONNECT_SECONDS, timeout_seconds

LONGEST_URI_BYTES = 7_500
"""Marketo refuses URIs of more than 8 KB with HTTP 414."""
KEEP_SECONDS = 4.0
"""An idle connection is dropped after this: one that the other side drops during a write leaves a doubt."""
_FORM_PATHS = "/rest/v1/"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


def open_http(base_url: str, *, connections: int, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a connection pool to *base_url*; nothing is sent yet.

    Raises: WrongInstance for plain http to a host that is not this machine.
    """
    try:
        parts = urlsplit(base_url)
        address = httpx.URL(f"{parts.scheme}://{parts.netloc}")
    except (ValueError, httpx.InvalidURL):
        raise WrongInstance("The base URL holds no usable host name") from None
    is_loopback = parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise WrongInstance("The base URL is not https, and credentials would travel unprotected")
    return httpx.Client(
        base_url=address,
        headers={"User-Agent": user_agent(), "Accept": "application/json", "Accept-Encoding": "gzip"},
        timeout=httpx.Timeout(timeout_seconds("/"), connect=CONNECT_SECONDS),
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_SECONDS
        ),
        follow_redirects=False,
        transport=transport,
        # A proxy is for the way to Marketo; a sandbox on this machine is reached directly.
        trust_env=not is_loopback,
    )


def user_agent() -> str:
    """Return the name and version that Marketo sees."""
    try:
        return f"marketo_assets/{version('marketo_assets')}"
    except PackageNotFoundError:
        return "marketo_assets"


class QuietURL(httpx.URL):
    """A URL whose text never shows its query: httpx logs every URL, and its exceptions carry them."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc.decode('ascii')}{self.path}" + ("?***" if self.query else "")

    def __repr__(self) -> str:
        return f"QuietURL({str(self)!r})"


def build_request(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    params: Mapping[str, str],
    json: object = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Request:
    """Return the request for *path*; a GET whose URI is too long for the Lead Database becomes POST, `_method=GET`."""
    if not path.startswith("/") or "//" in path:
        raise ValueError(f"A path begins with one slash and holds no double one: {path!r}")
    timeout = httpx.Timeout(timeout_seconds(path), connect=CONNECT_SECONDS)
    request = http.build_request(method, path, params=params or None, json=json, headers=headers, timeout=timeout)
    if method == "GET" and path.startswith(_FORM_PATHS) and len(request.url.raw_path) > LONGEST_URI_BYTES:
        request = http.build_request(
            "POST", path, params={"_method": "GET"}, data=dict(params), headers=headers, timeout=timeout
        )
    request.url = QuietURL(request.url)
    return request


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn httpx's exceptions into ours; theirs carry the request, so they are not chained.

    Raises: Unreachable, or WrongInstance when the host's certificate is not trusted.
    """
    found: MarketoError
    try:
        yield
    except httpx.HTTPError as error:
        found = _translation(error, doing)
    except UnicodeError:
        # Python's resolver raises it for a host name with an empty or overlong part.
        found = WrongInstance(f"The base URL holds no usable host name, found while {doing}")
    else:
        return
    raise found from None


def _translation(error: httpx.HTTPError, doing: str) -> MarketoError:
    if _is_untrusted(error):
        return WrongInstance(f"The certificate of the host in MARKETO_BASE_URL is not trusted, while {doing}")
    if isinstance(error, httpx.DecodingError):
        return UnreadableAnswer(f"The answer could not be decompressed while {doing}")
    unreachable = Unreachable(f"No answer from Marketo while {doing} ({type(error).__name__}{_reason(error)})")
    unreachable.was_sent = not isinstance(error, _NOT_SENT)
    return unreachable


def _is_untrusted(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _reason(error: httpx.HTTPError) -> str:
    # Only what the operating system says about a connection; protocol errors may quote what was received.
    text = str(error) if isinstance(error, httpx.ConnectError) else ""
    return f": {text[:120]}" if text else ""
