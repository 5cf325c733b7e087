"""The addresses of the page, all behind its guard: JSON in, JSON and pictures out."""

import json
from collections.abc import Callable
from importlib import resources

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reggan_plugin.errors import UsageError
from reggan_plugin.ui.asked_change import choice_from_json
from reggan_plugin.ui.keep_routes import KeepRoutes
from reggan_plugin.ui.open_frame import png_of
from reggan_plugin.ui.open_routes import OpenRoutes
from reggan_plugin.ui.page_requests import (
    Handler,
    change_in,
    face_in,
    file_in_query,
    json_of,
    layer_in,
    longest_px_in,
    parsed,
    told,
)
from reggan_plugin.ui.page_state import document_of_frame, document_of_page
from reggan_plugin.ui.studio import ShownChange, Studio
from reggan_plugin.ui.words_to_copy import PageOptions

_MOST_TABS = 64
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class PageRoutes:
    """Answers the requests of the page."""

    def __init__(
        self, studio: Studio, options: PageOptions, quit_server: Callable[[], None]
    ) -> None:
        """Answer for a studio; `quit_server` ends the server."""
        self._studio, self._quit = studio, quit_server
        self._opens, self._keeps = OpenRoutes(studio), KeepRoutes(studio, options)
        self._newest: dict[str, int] = {}
        folder = resources.files("reggan_plugin.ui") / "page"
        self._page = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def app(self) -> Starlette:
        """Return the application, without its guard."""
        get = {"/state": self._state, "/frame": self._frame, "/picture": self._picture}
        post: dict[str, Handler] = {"/change": self._change, "/thumbnail": self._thumbnail}
        post |= {"/quit": self._end}
        by_method: dict[str, dict[str, Handler]] = {
            "GET": {**get, **self._keeps.gets()},
            "POST": {**post, **self._opens.posts(), **self._keeps.posts()},
            "PUT": self._opens.puts(),
        }
        routes = [
            Route(path, told(handler, self._studio.files.without_folder), methods=[method])
            for method, handlers in by_method.items()
            for path, handler in handlers.items()
        ]
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
        found = await run_in_threadpool(self._studio.look, file_in_query(request))
        return JSONResponse(document_of_frame(found, self._studio.transfer))

    async def _picture(self, request: Request) -> Response:
        number = file_in_query(request)
        choice = choice_from_json(parsed(request.query_params.get("face", "0")))
        picture = await run_in_threadpool(self._studio.picture, number, choice)
        return Response(picture, media_type="image/png")

    async def _change(self, request: Request) -> Response:
        """Return the changed face: a line of JSON that says where it lies, then its RGBA bytes."""
        asked = await json_of(request)
        tab, order = str(asked.get("tab")), asked.get("order")
        if type(order) is not int:
            raise UsageError(f"{order!r} is no place in the order of requests; expected a number.")
        if len(self._newest) > _MOST_TABS:
            self._newest.clear()
        self._newest[tab] = max(order, self._newest.get(tab, 0))
        shown = await run_in_threadpool(
            self._studio.change,
            *face_in(asked),
            longest_px_in(asked),
            change_in(asked, self._studio.own),
            lambda: self._newest.get(tab, 0) <= order,
            layer_in(asked),
        )
        if shown is None:
            return Response(status_code=204)
        content = json.dumps(_head_of(shown)).encode() + b"\n" + shown.screen.tobytes()
        return Response(content, media_type="application/octet-stream")

    async def _thumbnail(self, request: Request) -> Response:
        asked = await json_of(request)
        change = change_in(asked, self._studio.own)
        screen = await run_in_threadpool(self._studio.thumbnail, *face_in(asked), change)
        return Response(await run_in_threadpool(png_of, screen), media_type="image/png")

    async def _end(self, _: Request) -> Response:
        self._quit()
        return JSONResponse({})


def _head_of(shown: ShownChange) -> dict[str, object]:
    rows, columns = shown.region
    height, width = shown.screen.shape[:2]
    return {
        "x": columns.start,
        "y": rows.start,
        "factor": shown.factor,
        "width": width,
        "height": height,
        "share": shown.share,
        "arrows": shown.arrows,
    }
