"""The addresses by which the page keeps a change: files, words to copy, presets, shots."""

from dataclasses import asdict
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.ui.open_head import saves_map
from reggan_plugin.ui.page_requests import Asked, Handler, change_in, download, face_in, json_of
from reggan_plugin.ui.shot_job import ShotRequest
from reggan_plugin.ui.studio import Studio
from reggan_plugin.ui.words_to_copy import (
    PageOptions,
    command_line,
    preset_text,
    python_text,
    take_command,
    texture_command,
)


class KeepRoutes:
    """Answers what the page asks to keep."""

    def __init__(self, studio: Studio, options: PageOptions) -> None:
        """Answer for a studio, with the options that commands repeat."""
        self._studio, self._options = studio, options

    def gets(self) -> dict[str, Handler]:
        """Handlers of GET by address."""
        return {"/job": self._job}

    def posts(self) -> dict[str, Handler]:
        """Handlers of POST by address."""
        return {
            "/words": self._words,
            "/save": self._save,
            "/preset": self._preset,
            "/job/start": self._start_job,
            "/job/stop": self._stop_job,
        }

    async def _words(self, request: Request) -> Response:
        """Return the words of a `kind`: frame, shot, take or python."""
        asked = await json_of(request)
        return JSONResponse({"words": self._words_of(str(asked.get("kind")), asked)})

    def _words_of(self, kind: str, asked: Asked) -> str:
        files, change = self._studio.files, change_in(asked, self._studio.own)
        number, choice = face_in(asked)
        shot, path, options = files.shot_of(number), files.path(number), self._options
        if shot.is_head:
            if kind != "frame":
                raise UsageError("A head has one command; it is copied beside the picture.")
            return texture_command(shot, change, options, wants_map=saves_map(shot, number))
        whole, out = shot.source, None
        if shot.is_uploaded:  # where it was before, only the user knows
            path, whole = Path(path.name), Path(path.name if len(shot.paths) == 1 else ".")
        if not shot.is_users_own:
            out = Path(f"{shot.paths[0].stem}_{change.mix.label}")
        if kind == "take":
            take = self._studio.take.needed().path
            return take_command(whole, take, change, choice, options, out)
        if kind == "python":
            return python_text(path, change, choice, options)
        if kind not in ("frame", "shot"):
            raise UsageError(f"{kind[:80]!r} is nothing to copy. Load the page again.")
        return command_line(path if kind == "frame" else whole, change, choice, options, out)

    async def _save(self, request: Request) -> Response:
        asked = await json_of(request)
        change = change_in(asked, self._studio.own)
        saved = await run_in_threadpool(self._studio.save, *face_in(asked), change)
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
        number, choice = face_in(asked)
        shot = self._studio.files.shot_of(number)
        if shot.is_head:
            raise UsageError("A head is no shot. Save it, or open the frames of a shot.")
        wanted = ShotRequest(
            shot=shot,
            change=change_in(asked, self._studio.own),
            choice=choice,
            existing=Existing.RESUME if asked.get("resume") is True else Existing.REFUSE,
            out=self._options.out,
        )
        progress = await run_in_threadpool(self._studio.job.start, wanted)
        return JSONResponse(asdict(progress))

    async def _stop_job(self, _: Request) -> Response:
        return JSONResponse(asdict(self._studio.job.stop()))
