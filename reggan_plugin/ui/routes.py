"""The addresses of the page, all behind its guard: JSON in, JSON and pictures out."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reggan_plugin.errors import RegganError, SourceError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.ui.asked_change import AskedChange, change_from_json, choice_from_json
from reggan_plugin.ui.in_words import (
    PageOptions,
    command_line,
    preset_text,
    python_text,
    take_command,
)
from reggan_plugin.ui.layers import LAYERS, Layer
from reggan_plugin.ui.live_face import Screen
from reggan_plugin.ui.open_files import refuse_odd_name
from reggan_plugin.ui.open_frame import png_of
from reggan_plugin.ui.open_take import open_take
from reggan_plugin.ui.page_state import document_of_frame, document_of_page, document_of_shot
from reggan_plugin.ui.shot_job import ShotRequest
from reggan_plugin.ui.studio import Studio

_MOST_JSON_BYTES = 2**16
_MOST_TAKE_BYTES = 2**28
_LARGEST_PICTURE_PX = 4096
_MOST_TABS = 64
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
Handler = Callable[[Request], Awaitable[Response]]


class PageRoutes:
    """Answers the requests of the page."""

    def __init__(
        self, studio: Studio, options: PageOptions, quit_server: Callable[[], None]
    ) -> None:
        """Answer for a studio; `quit_server` ends the server."""
        self._studio, self._options, self._quit = studio, options, quit_server
        self._newest: dict[str, int] = {}
        folder = resources.files("reggan_plugin.ui") / "page"
        self._page = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def app(self) -> Starlette:
        """The application, without its guard."""
        get: dict[str, Handler] = {"/state": self._state, "/frame": self._frame}
        get |= {"/picture": self._picture, "/job": self._job}
        post: dict[str, Handler] = {
            "/sample": self._sample,
            "/opened": self._opened,
            "/change": self._change,
            "/thumbnail": self._thumbnail,
            "/words": self._words,
            "/take/row": self._take_row,
            "/save": self._save,
            "/preset": self._preset,
            "/job/start": self._start_job,
            "/job/stop": self._stop_job,
            "/quit": self._end,
        }
        routes = [Route(path, _told(handler), methods=["GET"]) for path, handler in get.items()]
        routes += [Route(path, _told(handler), methods=["POST"]) for path, handler in post.items()]
        put: dict[str, Handler] = {"/upload": self._upload, "/take": self._open_take}
        routes += [Route(path, _told(handler), methods=["PUT"]) for path, handler in put.items()]
        routes.append(Route("/", self._page_file, methods=["GET"]))
        routes.append(Route("/{name}", self._page_file, methods=["GET"]))
        return Starlette(routes=routes)

    async def _page_file(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._page:
            return PlainTextResponse("There is no such file.", status_code=404)
        suffix = name[name.rindex(".") :]
        return Response(self._page[name], media_type=_TYPES[suffix])

    async def _state(self, _: Request) -> Response:
        return JSONResponse(document_of_page(self._studio))

    async def _frame(self, request: Request) -> Response:
        number = _number_in(request.query_params.get("file", ""))
        found = await run_in_threadpool(self._studio.look, number)
        return JSONResponse(document_of_frame(found, self._studio.transfer))

    async def _picture(self, request: Request) -> Response:
        number = _number_in(request.query_params.get("file", ""))
        choice = choice_from_json(_parsed(request.query_params.get("face", "0")))
        picture = await run_in_threadpool(self._studio.picture, number, choice)
        return Response(picture, media_type="image/png")

    async def _sample(self, request: Request) -> Response:
        asked = await _json_of(request)
        name = str(asked.get("name"))
        shot = await run_in_threadpool(self._studio.files.open_sample, name)
        return JSONResponse(document_of_shot(shot))

    async def _upload(self, request: Request) -> Response:
        """Take one file of a drop; its bytes are the body."""
        files = self._studio.files
        name, drop = (request.query_params.get(key, "") for key in ("name", "drop"))
        path = files.place_of_upload(drop, name)
        most = files.most_file_bytes
        fault = (
            f"{name} is larger than {most >> 20} MiB. Start the page on it: reggan-plugin ui FILE."
        )
        with tempfile.TemporaryFile() as file:
            async for part in _limited(request, most, fault):
                files.count_upload(len(part))
                file.write(part)
            file.seek(0)
            await run_in_threadpool(_keep, file, path)
        return JSONResponse({"name": path.name})

    async def _opened(self, request: Request) -> Response:
        asked = await _json_of(request)
        shot = await run_in_threadpool(self._studio.files.open_drop, str(asked.get("drop")))
        return JSONResponse(document_of_shot(shot))

    async def _open_take(self, request: Request) -> Response:
        """Read a recorded performance; its bytes are the body. They are not kept."""
        name = request.query_params.get("name", "")
        refuse_odd_name(name)
        fault = f"{name} is larger than {_MOST_TAKE_BYTES >> 20} MiB, which no take needs."
        with tempfile.TemporaryDirectory(prefix="reggan-take-") as folder:
            path = Path(folder, name)
            with path.open("wb") as file:
                async for part in _limited(request, _MOST_TAKE_BYTES, fault):
                    file.write(part)
            take = await run_in_threadpool(open_take, path, Path(name))
        return JSONResponse(self._studio.take.replace(take).document())

    async def _take_row(self, request: Request) -> Response:
        asked = await _json_of(request)
        row = asked.get("row")
        if type(row) is not int:
            raise UsageError(f"{row!r} is no row of a take; expected a number.")
        return JSONResponse({"weights": self._studio.take.needed().weights(row)})

    async def _change(self, request: Request) -> Response:
        """The changed face: a line of JSON that says where it lies, then its RGBA bytes."""
        asked = await _json_of(request)
        tab, order = str(asked.get("tab")), asked.get("order")
        if type(order) is not int:
            raise UsageError(f"{order!r} is no place in the order of requests; expected a number.")
        if len(self._newest) > _MOST_TABS:
            self._newest.clear()
        self._newest[tab] = max(order, self._newest.get(tab, 0))
        changed = await run_in_threadpool(
            self._studio.change,
            *self._face_in(asked),
            _longest_px(asked),
            self._change_in(asked),
            lambda: self._newest.get(tab, 0) <= order,
            _layer_in(asked),
        )
        if changed is None:
            return Response(status_code=204)
        rows, columns = changed.face.region
        height, width = changed.screen.shape[:2]
        head = {
            "x": columns.start,
            "y": rows.start,
            "factor": changed.face.factor,
            "width": width,
            "height": height,
            "share": changed.face.share,
            "arrows": changed.arrows,
        }
        return Response(
            json.dumps(head).encode() + b"\n" + changed.screen.tobytes(),
            media_type="application/octet-stream",
        )

    async def _thumbnail(self, request: Request) -> Response:
        asked = await _json_of(request)
        screen: Screen = await run_in_threadpool(
            self._studio.thumbnail,
            *self._face_in(asked),
            self._change_in(asked),
        )
        return Response(await run_in_threadpool(png_of, screen), media_type="image/png")

    async def _words(self, request: Request) -> Response:
        asked = await _json_of(request)
        files, change = self._studio.files, self._change_in(asked)
        number, choice = self._face_in(asked)
        shot, path = files.shot_of(number), files.path(number)
        whole, out = shot.source, None
        if shot.is_uploaded:  # where it was before, only the user knows
            path, whole = Path(path.name), Path(path.name if len(shot.paths) == 1 else ".")
        if not shot.is_users_own:
            out = Path(f"{shot.paths[0].stem}_{change.mix.label}")
        take = self._studio.take.now
        words = {
            "take": take and take_command(whole, take.path, change, choice, self._options, out),
            "frame": command_line(path, change, choice, self._options, out),
            "shot": command_line(whole, change, choice, self._options, out),
            "python": python_text(path, change, choice, self._options),
        }
        return JSONResponse(words)

    async def _save(self, request: Request) -> Response:
        asked = await _json_of(request)
        saved = await run_in_threadpool(
            self._studio.save,
            *self._face_in(asked),
            self._change_in(asked),
        )
        return _download(saved.name, saved.content)

    async def _preset(self, request: Request) -> Response:
        asked = await _json_of(request)
        name = str(asked.get("name", "")).strip()
        text = await run_in_threadpool(preset_text, name, self._change_in(asked))
        return _download(f"{name}.toml", text.encode())

    async def _job(self, _: Request) -> Response:
        return JSONResponse(asdict(self._studio.job.progress))

    async def _start_job(self, request: Request) -> Response:
        asked = await _json_of(request)
        number, choice = self._face_in(asked)
        wanted = ShotRequest(
            shot=self._studio.files.shot_of(number),
            change=self._change_in(asked),
            choice=choice,
            existing=Existing.RESUME if asked.get("resume") is True else Existing.REFUSE,
            out=self._options.out,
        )
        progress = await run_in_threadpool(self._studio.job.start, wanted)
        return JSONResponse(asdict(progress))

    async def _stop_job(self, _: Request) -> Response:
        return JSONResponse(asdict(self._studio.job.stop()))

    async def _end(self, _: Request) -> Response:
        self._quit()
        return JSONResponse({})

    def _face_in(self, asked: dict[str, Any]) -> tuple[int, FaceChoice]:
        """The file and its face that a request is about."""
        number = asked.get("file")
        if type(number) is not int:
            raise UsageError(f"{number!r} is no open file. Load the page again.")
        return number, choice_from_json(asked.get("face"))

    def _change_in(self, asked: dict[str, Any]) -> AskedChange:
        return change_from_json(asked.get("change"), self._studio.own)


def _told(handler: Handler) -> Handler:
    """The same handler; its errors become JSON with the sentence for the user."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RegganError as error:
            status = 400 if isinstance(error, UsageError) else 422
            document = {"message": str(error), "kind": error.kind}
            return JSONResponse(document, status_code=status)
        except MemoryError:
            message = "This does not fit into the memory that is free. Close other programs."
            return JSONResponse({"message": message, "kind": "memory"}, status_code=422)
        except ClientDisconnect:
            return Response(status_code=400)

    return answer


async def _json_of(request: Request) -> dict[str, Any]:
    content = b"".join(
        [part async for part in _limited(request, _MOST_JSON_BYTES, "The request is too long.")]
    )
    asked = _parsed(content)
    if not isinstance(asked, dict):
        raise UsageError("The request is no JSON object. Load the page again.")
    return asked


async def _limited(request: Request, most_bytes: int, fault: str) -> AsyncIterator[bytes]:
    """The body in parts.

    Raises:
        SourceError: it is larger.
    """
    said = request.headers.get("content-length", "0")
    size = int(said) if said.isdecimal() else 0
    if size > most_bytes:
        raise SourceError(fault, kind="too-large")
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise SourceError(fault, kind="too-large")
        yield part


def _parsed(content: bytes | str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("The request is no JSON. Load the page again.") from None


def _number_in(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{text[:20]!r} is no open file. Load the page again.")
    return int(text)


def _longest_px(asked: dict[str, Any]) -> int:
    longest = asked.get("longest")
    if type(longest) is not int or not 16 <= longest <= _LARGEST_PICTURE_PX:
        raise UsageError(f"{longest!r} is no size of a picture; expected 16 to 4096 pixels.")
    return longest


def _keep(file: IO[bytes], path: Path) -> None:
    with path.open("wb") as kept:
        shutil.copyfileobj(file, kept)


def _layer_in(asked: dict[str, Any]) -> Layer:
    for layer in LAYERS:
        if layer == asked.get("layer", "picture"):
            return layer
    raise UsageError(f"{asked['layer']!r} is no layer; there are {', '.join(LAYERS)}.")


def _download(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type="application/octet-stream", headers=headers)
