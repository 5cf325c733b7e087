"""Requests of the page, read from HTTP within limits; what is wrong with them becomes JSON."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reggan_plugin.errors import RegganError, SourceError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_JSON_BYTES
from reggan_plugin.ui.asked_change import (
    SliderValues,
    change_from_json,
    choice_from_json,
    each_from_json,
)
from reggan_plugin.ui.limits import LARGEST_PICTURE_PX
from reggan_plugin.ui.live_face import LAYERS, Layer
from reggan_plugin.vocabulary.expression import OwnPresets

Handler = Callable[[Request], Awaitable[Response]]
_MOST_DIGITS = 20
"""Of a length: more are larger than all that is taken."""
Asked = dict[str, Any]
"""A JSON object that the page sent."""


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
    except (ValueError, RecursionError):
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
        raise UsageError(f"{longest!r} is no size of a picture; expected 16 to 4096 pixels.")
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
