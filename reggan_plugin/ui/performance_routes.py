"""Addresses of the page for performances: pictures of a face in, weights and takes out, and how
they are fitted to the face on the page.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.retargeting import retargeted
from reggan_plugin.errors import UsageError
from reggan_plugin.limits import MOST_CAMERA_PICTURE_BYTES
from reggan_plugin.ui.character_fit import CharacterFit
from reggan_plugin.ui.live_performance import LivePerformance
from reggan_plugin.ui.open_take import TakeInUse
from reggan_plugin.ui.page_requests import Handler, download, json_of, limited


class PerformanceRoutes:
    """Answers what the page sends of a camera, a clip, and its open take."""

    def __init__(self, performance: LivePerformance, fit: CharacterFit, take: TakeInUse) -> None:
        """Answer for a performance, the fit of the page, and its take."""
        self._performance, self._fit, self._open_take = performance, fit, take

    def posts(self) -> dict[str, Handler]:
        """Handlers of POST by address."""
        return {
            "/performance/rest": self._rest,
            "/performance/begin": self._begin,
            "/performance/take": self._take,
            "/take/row": self._take_row,
            "/take/fitted": self._fitted_take,
            "/character": self._set_fit,
            "/character/learn": self._learn,
            "/character/save": self._save_fit,
        }

    def puts(self) -> dict[str, Handler]:
        """Handlers of PUT by address."""
        return {"/performance/picture": self._picture, "/performance/like": self._like}

    async def _picture(self, request: Request) -> Response:
        """Read one picture; its bytes are the body. They are not kept."""
        content, query = await _content(request), request.query_params
        try:
            time_s = float(query.get("time", ""))
        except ValueError:
            raise UsageError("The picture has no time. Load the page again.") from None
        records = query.get("records") == "true"
        read = self._performance.read
        return JSONResponse(await run_in_threadpool(lambda: read(content, time_s, records=records)))

    async def _like(self, request: Request) -> Response:
        """Read the expression of one picture; its bytes are the body. They are not kept."""
        content, name = await _content(request), request.query_params.get("name", "The picture")
        return JSONResponse(await run_in_threadpool(self._performance.like, content, name[:200]))

    async def _rest(self, _: Request) -> Response:
        self._performance.take_rest()
        return JSONResponse({})

    async def _begin(self, _: Request) -> Response:
        self._performance.begin()
        return JSONResponse({})

    async def _take(self, request: Request) -> Response:
        asked = await json_of(request)
        start, end = asked.get("from"), asked.get("to")
        if not isinstance(start, int | float) or not isinstance(end, int | float):
            raise UsageError("A take has two ends, in seconds. Load the page again.")
        text = await run_in_threadpool(self._performance.csv, float(start), float(end))
        return PlainTextResponse(text, media_type="text/csv")

    async def _take_row(self, request: Request) -> Response:
        row = (await json_of(request)).get("row")
        if type(row) is not int:
            raise UsageError(f"{row!r} is no row of a take; expected a number.")
        return JSONResponse({"weights": self._open_take.needed().weights(row, self._fit.fitted)})

    async def _fitted_take(self, _: Request) -> Response:
        """Return the take as it is fitted, so that it needs no settings elsewhere."""
        found = self._open_take.needed()
        text = await run_in_threadpool(
            lambda: csv_of_take(retargeted(found.take, self._fit.fitted))
        )
        return download(f"{found.path.stem}_fitted.csv", text.encode())

    async def _set_fit(self, request: Request) -> Response:
        self._fit.set((await json_of(request)).get("table"))
        return JSONResponse({})

    async def _learn(self, _: Request) -> Response:
        self._fit.learn(self._open_take.needed().take)
        return JSONResponse(self._fit.document())

    async def _save_fit(self, request: Request) -> Response:
        name = (await json_of(request)).get("name")
        path = await run_in_threadpool(self._fit.save, name)
        return JSONResponse({**self._fit.document(), "path": str(path)})


async def _content(request: Request) -> bytes:
    fault = f"A picture of the camera has at most {MOST_CAMERA_PICTURE_BYTES >> 20} MiB."
    return b"".join([part async for part in limited(request, MOST_CAMERA_PICTURE_BYTES, fault)])
