"""Requests of the page: all others are refused; read from HTTP within limits, faults become JSON.

The server listens on the loopback alone. A page of somebody else's in the same browser could still
call it: it does not know the token, its Origin is another one, and a name that it had resolve to
127.0.0.1 stands in Host.

Source: OWASP, "Cross-Site Request Forgery Prevention" and "DNS rebinding"; W3C, "Fetch Metadata".
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reggan_plugin.errors import RegganError, SourceError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_JSON_BYTES
from reggan_plugin.ui.change_from_json import (
    SliderValues,
    change_from_json,
    choice_from_json,
    each_from_json,
)
from reggan_plugin.ui.live_face import LAYERS, Layer
from reggan_plugin.ui.picture_sizes_and_memory import LARGEST_PICTURE_PX
from reggan_plugin.vocabulary.expression import OwnPresets

Handler = Callable[[Request], Awaitable[Response]]
_MOST_DIGITS = 20
"""Of a length: more are larger than all that is taken."""
Asked = dict[str, Any]
"""A JSON object that the page sent."""


_SAFE_METHODS = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses every request that is not the page's own, before any other code sees it."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        """Guard an application whose addresses all begin with `/token/`."""
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 403."""
        if scope["type"] != "http":
            return
        fault = self._fault(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        if fault:
            refusal = PlainTextResponse(fault, status_code=403)
            await refusal(scope, receive, send_with_headers)
            return
        with suppress(ClientDisconnect):  # it left, or sent what is no body: nobody to answer
            await self._app(self._without_token(scope), receive, send_with_headers)

    def _fault(self, scope: Scope) -> str:
        """Return the reason why a request is refused; empty if it is not."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        given = scope["path"].removeprefix("/").partition("/")[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "Wrong token. Open the address that reggan-plugin ui printed."
        if len(headers.get("host", [])) != 1 or headers["host"][0] not in self._hosts:
            return "Wrong host. Open the address that reggan-plugin ui printed."
        origins = headers.get("origin", [])
        is_safe = scope["method"] in _SAFE_METHODS
        own = {f"http://{host}" for host in self._hosts}
        if not set(origins) <= own or (not is_safe and len(origins) != 1):
            return "Wrong origin. Only the page itself may ask."
        opens = scope["method"] == "GET" and scope["path"] == f"/{self._token}/"
        opens &= headers.get("sec-fetch-dest") == ["document"]  # from the file that leads here
        if not opens and not set(headers.get("sec-fetch-site", [])) <= set(_OWN_SITES):
            return "Wrong site. Only the page itself may ask."
        return ""

    def _without_token(self, scope: Scope) -> Scope:
        path = scope["path"].removeprefix(f"/{self._token}")
        return {**scope, "path": path or "/", "raw_path": None}


def told(handler: Handler, for_user: Callable[[str], str]) -> Handler:
    """Return the same handler; its errors become JSON with the sentence for the user."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RegganError as error:
            status = 400 if isinstance(error, UsageError) else 422
            message = for_user(str(error)).encode("utf-8", "backslashreplace").decode()
            document = {"message": message, "kind": error.kind}
            return JSONResponse(document, status_code=status)
        except MemoryError:
            message = "This does not fit into the memory that is free. Close other programs."
            return JSONResponse({"message": message, "kind": "memory"}, status_code=422)
        except OSError as error:
            message = f"A file cannot be written or read: {error.strerror}."
            return JSONResponse({"message": message, "kind": "failed"}, status_code=422)
        except ClientDisconnect:
            return Response(status_code=400)

    return answer


async def json_of(request: Request) -> Asked:
    """Return the JSON object of a request.

    Raises:
        UsageError: it is none.
        SourceError: it is too long.
    """
    fault = "The request is too long."
    content = b"".join([part async for part in limited(request, MOST_JSON_BYTES, fault)])
    asked = parsed(content)
    if not isinstance(asked, dict):
        raise UsageError("The request is no JSON object. Load the page again.")
    return asked


async def limited(request: Request, most_bytes: int, fault: str) -> AsyncIterator[bytes]:
    """Yield the body in parts.

    Raises:
        SourceError: it is larger, which `fault` says.
    """
    said = request.headers.get("content-length", "0")
    size = int(said[:_MOST_DIGITS]) if said.isdecimal() else 0
    if size > most_bytes:
        raise SourceError(fault, kind="too-large")
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise SourceError(fault, kind="too-large")
        yield part


def parsed(content: bytes | str) -> Any:
    """Return a JSON value.

    Raises:
        UsageError: it is none.
    """
    try:
        return parse_json(content)
    except ValueError:
        raise UsageError("The request is no JSON. Load the page again.") from None


def file_in_query(request: Request) -> int:
    """Return the number of an open file in an address.

    Raises:
        UsageError: it is none.
    """
    text = request.query_params.get("file", "")
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{text[:20]!r} is no open file. Load the page again.")
    return int(text)


def face_in(asked: Asked) -> tuple[int, FaceChoice]:
    """Return the file and its face that a request is about.

    Raises:
        UsageError: it names none.
    """
    number = asked.get("file")
    if type(number) is not int:
        raise UsageError(f"{number!r} is no open file. Load the page again.")
    return number, choice_from_json(asked.get("face"))


def change_in(asked: Asked, own: OwnPresets) -> SliderValues:
    """Return the expression that a request asks for; see `change_from_json`."""
    return change_from_json(asked.get("change"), own)


def each_in(asked: Asked, own: OwnPresets) -> tuple[int, SliderValues, FaceChoice]:
    """Return the file, what is asked for, and of which faces: the chosen one, and `others`."""
    number, choice = face_in(asked)
    return number, *each_from_json(asked.get("others"), change_in(asked, own), choice, own)


def longest_px_in(asked: Asked) -> int:
    """Pixels on the longer side of the picture that is asked for.

    Raises:
        UsageError: it is no such number.
    """
    longest = asked.get("longest")
    if type(longest) is not int or not 16 <= longest <= LARGEST_PICTURE_PX:
        raise UsageError(
            f"{longest!r} is no size of a picture; expected 16 to {LARGEST_PICTURE_PX} pixels."
        )
    return longest


def layer_in(asked: Asked) -> Layer:
    """Return the layer that is asked for; the picture unless it says so.

    Raises:
        UsageError: there is no such layer.
    """
    for layer in LAYERS:
        if layer == asked.get("layer", "picture"):
            return layer
    raise UsageError(f"{asked['layer']!r} is no layer; there are {', '.join(LAYERS)}.")


def download(name: str, content: bytes) -> Response:
    """Return a file for the browser to save."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type="application/octet-stream", headers=headers)
