"""Addresses of the page for a face before the camera: pictures in, weights and takes out."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from reggan_plugin.errors import UsageError
from reggan_plugin.limits import MOST_CAMERA_PICTURE_BYTES
from reggan_plugin.ui.live_performance import LivePerformance
from reggan_plugin.ui.page_requests import Handler, json_of, limited


class PerformanceRoutes:
    """Answers what the page sends of a camera or a clip."""

    def __init__(self, performance: LivePerformance) -> None:
        """Answer for a performance."""
        self._performance = performance

    def posts(self) -> dict[str, Handler]:
        """Handlers of POST by address."""
        return {
            "/performance/rest": self._rest,
            "/performance/begin": self._begin,
            "/performance/take": self._take,
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


async def _content(request: Request) -> bytes:
    fault = f"A picture of the camera has at most {MOST_CAMERA_PICTURE_BYTES >> 20} MiB."
    return b"".join([part async for part in limited(request, MOST_CAMERA_PICTURE_BYTES, fault)])
