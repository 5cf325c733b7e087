"""The addresses of the page, all behind its guard: JSON in, JSON and pictures out."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import IO, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.retargeting import retargeted
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.limits import MOST_CAMERA_PICTURE_BYTES, MOST_UPLOADED_TAKE_BYTES
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import choice_from_json
from reggan_plugin.ui.command_line_to_copy import (
    PageOptions,
    command_line,
    preset_text,
    python_text,
    take_command,
    texture_command,
)
from reggan_plugin.ui.expression_list import listed_expressions, listed_shapes
from reggan_plugin.ui.open_files import OpenShot, refuse_odd_name
from reggan_plugin.ui.open_frame import OpenFrame, png_of
from reggan_plugin.ui.open_head import gives_mesh, saves_map
from reggan_plugin.ui.open_take import OpenTake
from reggan_plugin.ui.page_actions import ChangeView, Studio
from reggan_plugin.ui.request_checks import (
    Asked,
    Handler,
    change_in,
    download,
    each_in,
    face_in,
    file_in_query,
    json_of,
    layer_in,
    limited,
    longest_px_in,
    parsed,
    told,
)
from reggan_plugin.ui.shot_job import ShotRequest
from reggan_plugin.vocabulary.face_shapes import NEUTRAL

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
        self._studio, self._options, self._quit = studio, options, quit_server
        self._newest: dict[str, int] = {}
        folder = resources.files("reggan_plugin.ui") / "page"
        self._page = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def app(self) -> Starlette:
        """Return the application, without its guard."""
        by_method: dict[str, dict[str, Handler]] = {
            "GET": {
                "/state": self._state,
                "/frame": self._frame,
                "/picture": self._picture,
                "/small": self._small,
                "/job": self._job,
            },
            "POST": {
                "/change": self._change,
                "/thumbnail": self._thumbnail,
                "/quit": self._end,
                "/sample": self._sample,
                "/opened": self._opened,
                "/words": self._words,
                "/save": self._save,
                "/preset": self._preset,
                "/job/start": self._start_job,
                "/job/stop": self._stop_job,
                "/performance/rest": self._rest,
                "/performance/begin": self._begin,
                "/performance/take": self._recorded_take,
                "/take/row": self._take_row,
                "/take/fitted": self._fitted_take,
                "/character": self._set_fit,
                "/character/learn": self._learn,
                "/character/save": self._save_fit,
            },
            "PUT": {
                "/upload": self._upload,
                "/take": self._open_take,
                "/performance/picture": self._read_picture,
                "/performance/like": self._like,
            },
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

    async def _small(self, request: Request) -> Response:
        """Return a small picture of a frame, for the film strip; its faces are not looked for."""
        text = request.query_params.get("longest", "")
        longest = longest_px_in({"longest": int(text[:6]) if text.isdecimal() else None})
        picture = await run_in_threadpool(self._studio.small, file_in_query(request), longest)
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
        is_draft = asked.get("draft") is True
        shown = await run_in_threadpool(
            self._studio.change,
            *face_in(asked),
            longest_px_in(asked),
            change_in(asked, self._studio.own),
            lambda: self._newest.get(tab, 0) <= order,
            layer_in(asked),
            is_draft=is_draft,
        )
        if shown is None:
            return Response(status_code=204)
        content = (
            json.dumps({**_head_of(shown), "isDraft": is_draft}).encode()
            + b"\n"
            + shown.screen.tobytes()
        )
        return Response(content, media_type="application/octet-stream")

    async def _thumbnail(self, request: Request) -> Response:
        asked = await json_of(request)
        change = change_in(asked, self._studio.own)
        screen = await run_in_threadpool(self._studio.thumbnail, *face_in(asked), change)
        return Response(await run_in_threadpool(png_of, screen), media_type="image/png")

    async def _end(self, _: Request) -> Response:
        self._quit()
        return JSONResponse({})

    async def _sample(self, request: Request) -> Response:
        asked = await json_of(request)
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
            async for part in limited(request, most, fault):
                files.count_upload(len(part))
                file.write(part)
            file.seek(0)
            await run_in_threadpool(_keep, file, path)
        return JSONResponse({"name": path.name})

    async def _opened(self, request: Request) -> Response:
        asked = await json_of(request)
        shot = await run_in_threadpool(self._studio.files.open_drop, str(asked.get("drop")))
        if shot.is_head:  # what is none may be a recorded performance: the page must know now
            await run_in_threadpool(self._studio.look, shot.first)
        return JSONResponse(document_of_shot(shot))

    async def _open_take(self, request: Request) -> Response:
        """Read a recorded performance; its bytes are the body. They are not kept."""
        name = request.query_params.get("name", "")
        refuse_odd_name(name)
        fault = f"{name} is larger than {MOST_UPLOADED_TAKE_BYTES >> 20} MiB, which no take needs."
        with tempfile.TemporaryDirectory(prefix="reggan-take-") as folder:
            path = Path(folder, name)
            with path.open("wb") as file:
                async for part in limited(request, MOST_UPLOADED_TAKE_BYTES, fault):
                    file.write(part)
            take = await run_in_threadpool(read_take, path)
        self._studio.take = OpenTake(path=Path(name), take=take)
        return JSONResponse(self._studio.take.document())

    async def _words(self, request: Request) -> Response:
        """Return the words of a `kind`: frame, shot, take or python."""
        asked = await json_of(request)
        return JSONResponse({"words": self._words_of(str(asked.get("kind")), asked)})

    def _words_of(self, kind: str, asked: Asked) -> str:
        files = self._studio.files
        number, change, choice = each_in(asked, self._studio.own)
        shot, path, options = files.shot_of(number), files.path(number), self._options
        if shot.is_head:
            if kind != "frame":
                raise UsageError("A head has one command; it is copied beside the picture.")
            return texture_command(shot, change, options, wants_map=saves_map(shot, number))
        whole, out = shot.source, None
        if shot.video is not None:  # one command changes all of a clip
            whole = Path(whole.name) if shot.is_uploaded else whole
            path = path if kind == "python" else whole
        elif shot.is_uploaded:  # where it was before, only the user knows
            path, whole = Path(path.name), Path(path.name if len(shot.paths) == 1 else ".")
        if shot.video is None and not shot.is_users_own:
            out = Path(f"{shot.paths[0].stem}_{change.mix.label}")
        if kind == "take":
            take = self._studio.needed_take().path
            return take_command(whole, take, self._studio.fit.table, change, choice, options, out)
        if kind == "python":
            return python_text(path, change, choice, options)
        if kind not in ("frame", "shot"):
            raise UsageError(f"{kind[:80]!r} is nothing to copy. Load the page again.")
        return command_line(path if kind == "frame" else whole, change, choice, options, out)

    async def _save(self, request: Request) -> Response:
        asked = await json_of(request)
        number, change, choice = each_in(asked, self._studio.own)
        saved = await run_in_threadpool(self._studio.save, number, choice, change)
        return download(saved.name, saved.content)

    async def _preset(self, request: Request) -> Response:
        asked = await json_of(request)
        name = str(asked.get("name", "")).strip()
        text = await run_in_threadpool(preset_text, name, change_in(asked, self._studio.own))
        return download(f"{name}.toml", text.encode())

    async def _job(self, _: Request) -> Response:
        return JSONResponse(asdict(self._studio.job.progress))

    async def _start_job(self, request: Request) -> Response:
        asked = await json_of(request)
        number, change, choice = each_in(asked, self._studio.own)
        shot = self._studio.files.shot_of(number)
        if shot.is_head:
            raise UsageError("A head is no shot. Save it, or open the frames of a shot.")
        wanted = ShotRequest(
            shot=shot,
            change=change,
            choice=choice,
            existing=Existing.RESUME if asked.get("resume") is True else Existing.REFUSE,
            out=self._options.out,
        )
        progress = await run_in_threadpool(self._studio.job.start, wanted)
        return JSONResponse(asdict(progress))

    async def _stop_job(self, _: Request) -> Response:
        return JSONResponse(asdict(self._studio.job.stop()))

    async def _read_picture(self, request: Request) -> Response:
        """Read one picture; its bytes are the body. They are not kept."""
        content, query = await _content(request), request.query_params
        try:
            time_s = float(query.get("time", ""))
        except ValueError:
            raise UsageError("The picture has no time. Load the page again.") from None
        records = query.get("records") == "true"
        read = self._studio.performance.read
        return JSONResponse(await run_in_threadpool(lambda: read(content, time_s, records=records)))

    async def _like(self, request: Request) -> Response:
        """Read the expression of one picture; its bytes are the body. They are not kept."""
        content, name = await _content(request), request.query_params.get("name", "The picture")
        return JSONResponse(
            await run_in_threadpool(self._studio.performance.like, content, name[:200])
        )

    async def _rest(self, _: Request) -> Response:
        self._studio.performance.take_rest()
        return JSONResponse({})

    async def _begin(self, _: Request) -> Response:
        self._studio.performance.begin()
        return JSONResponse({})

    async def _recorded_take(self, request: Request) -> Response:
        asked = await json_of(request)
        start, end = asked.get("from"), asked.get("to")
        if not isinstance(start, int | float) or not isinstance(end, int | float):
            raise UsageError("A take has two ends, in seconds. Load the page again.")
        text = await run_in_threadpool(self._studio.performance.csv, float(start), float(end))
        return PlainTextResponse(text, media_type="text/csv")

    async def _take_row(self, request: Request) -> Response:
        row = (await json_of(request)).get("row")
        if type(row) is not int:
            raise UsageError(f"{row!r} is no row of a take; expected a number.")
        return JSONResponse(
            {"weights": self._studio.needed_take().weights(row, self._studio.fit.fitted)}
        )

    async def _fitted_take(self, _: Request) -> Response:
        """Return the take as it is fitted, so that it needs no settings elsewhere."""
        found = self._studio.needed_take()
        text = await run_in_threadpool(
            lambda: csv_of_take(retargeted(found.take, self._studio.fit.fitted))
        )
        return download(f"{found.path.stem}_fitted.csv", text.encode())

    async def _set_fit(self, request: Request) -> Response:
        self._studio.fit.set((await json_of(request)).get("table"))
        return JSONResponse({})

    async def _learn(self, _: Request) -> Response:
        self._studio.fit.learn(self._studio.needed_take().take)
        return JSONResponse(self._studio.fit.document())

    async def _save_fit(self, request: Request) -> Response:
        name = (await json_of(request)).get("name")
        path = await run_in_threadpool(self._studio.fit.save, name)
        return JSONResponse({**self._studio.fit.document(), "path": str(path)})


def _keep(file: IO[bytes], path: Path) -> None:
    with path.open("wb") as kept:
        shutil.copyfileobj(file, kept)


def _head_of(shown: ChangeView) -> dict[str, object]:
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


async def _content(request: Request) -> bytes:
    fault = f"A picture of the camera has at most {MOST_CAMERA_PICTURE_BYTES >> 20} MiB."
    return b"".join([part async for part in limited(request, MOST_CAMERA_PICTURE_BYTES, fault)])


def document_of_page(studio: Studio) -> dict[str, Any]:
    """Return the model and all that is open."""
    card = studio.transfer.card
    return {
        "model": {"name": card.name, "version": card.version, "device": studio.transfer.device},
        "layers": card.says_motion,
        "neutral": NEUTRAL in card.controls,
        "expressions": listed_expressions(card, studio.own),
        "shapes": listed_shapes(card),
        "fit": studio.fit.document(),
        "take": None if studio.take is None else studio.take.document(),
        "samples": list(studio.files.sample_names),
        "shots": [document_of_shot(shot) for shot in studio.files.shots],
    }


def document_of_shot(shot: OpenShot) -> dict[str, Any]:
    """Files that were opened together."""
    return {
        "name": shot.source.name,
        "first": shot.first,
        "files": _names_in(shot),
        "gives_mesh": shot.is_head and gives_mesh(shot),
    }


def _names_in(shot: OpenShot) -> list[str]:
    if shot.is_head:
        name = shot.source.name
        return [f"{name}, from the front", f"{name}, its map"]
    if shot.video is not None:
        return [f"frame {number}" for number in range(1, len(shot.paths) + 1)]
    return [path.name for path in shot.paths]


def document_of_frame(found: OpenFrame, transfer: ExpressionTransfer) -> dict[str, Any]:
    """Return a frame and its faces."""
    height, width = found.size
    return {
        "width": width,
        "height": height,
        "factor": found.factor,
        "kind": found.kind,
        "notices": list(found.notes),
        "faces": [
            {
                "box": _box(crop.place(transfer.card.canonical_points * crop.side_px)),
                "share": transfer.intensity_share(crop),
            }
            for crop in found.crops
        ],
    }


def _box(points: Any) -> list[float]:
    return [round(float(value), 1) for value in FaceLandmarks(points).box]
