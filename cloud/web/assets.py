"""Serves the built page from memory; it is small and never changes while the program runs."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

DIST: Final = Path(__file__).parent / "dist"
_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_CHECK: Final = "no-cache"
_PLACEHOLDER: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>powerctl</title>
<h1>powerctl</h1>
<p>The page is not built into this copy. The API answers under /v1/locations, by gRPC-Web and by gRPC.</p>
</html>
"""


_WORTH_IT: Final = 0.9
"""A file that gzip does not bring below this part of its size is sent as it is."""


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    tag: str
    caching: str
    packed: bytes | None = None
    """The content in gzip. None: it would hardly be smaller."""


class Assets:
    """The files of a folder; an address that names none and has no suffix is the page itself.

    Args:
        folder: Where the built page lies. A placeholder is served when it is not there.
    """

    def __init__(self, folder: Path = DIST) -> None:
        self._assets = _read(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._respond(Request(scope))(scope, receive, send)

    def _respond(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        asset = self._find(request.url.path)
        if asset is None:
            return Response("Not found\n", 404, media_type="text/plain")
        headers = {"ETag": asset.tag, "Cache-Control": asset.caching, "Vary": "Accept-Encoding"}
        # A weak comparison, as for every GET (RFC 9110, 13.1.2): either form stands for the same file.
        if request.headers.get("if-none-match", "").removeprefix("W/") == asset.tag:
            return Response(status_code=304, headers=headers)
        if asset.packed is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(asset.content, media_type=asset.media_type, headers=headers)
        packed = {**headers, "ETag": f"W/{asset.tag}", "Content-Encoding": "gzip"}
        return Response(asset.packed, media_type=asset.media_type, headers=packed)

    def _find(self, path: str) -> _Asset | None:
        found = self._assets.get(path)
        if found is None and "." not in path.rpartition("/")[2]:
            return self._assets["/index.html"]
        return found


def _read(folder: Path) -> Mapping[str, _Asset]:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    assets = {f"/{path.relative_to(folder).as_posix()}": _asset(path, folder) for path in files}
    return {"/index.html": _Asset(_PLACEHOLDER, "text/html", '"placeholder"', _CHECK), **assets}


def _asset(path: Path, folder: Path) -> _Asset:
    content = path.read_bytes()
    named_by_content = path.relative_to(folder).parts[0] == "assets"
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    packed = gzip.compress(content, 9, mtime=0)
    worth_it = len(packed) < _WORTH_IT * len(content)
    return _Asset(content, media_type, tag, _FOREVER if named_by_content else _CHECK, packed if worth_it else None)
