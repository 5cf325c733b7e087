"""The addresses by which the page opens files: samples, uploads and recorded performances."""

import shutil
import tempfile
from pathlib import Path
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reggan_plugin.errors import UsageError
from reggan_plugin.limits import MOST_UPLOADED_TAKE_BYTES
from reggan_plugin.ui.open_files import refuse_odd_name
from reggan_plugin.ui.open_take import open_take
from reggan_plugin.ui.page_requests import Handler, json_of, limited
from reggan_plugin.ui.page_state import document_of_shot
from reggan_plugin.ui.studio import Studio


class OpenRoutes:
    """Opens what the page is given."""

    def __init__(self, studio: Studio) -> None:
        """Open for a studio."""
        self._studio = studio

    def posts(self) -> dict[str, Handler]:
        """Handlers of POST by address."""
        return {"/sample": self._sample, "/opened": self._opened, "/take/row": self._take_row}

    def puts(self) -> dict[str, Handler]:
        """Handlers of PUT by address."""
        return {"/upload": self._upload, "/take": self._open_take}

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
            take = await run_in_threadpool(open_take, path, Path(name))
        return JSONResponse(self._studio.take.replace(take).document())

    async def _take_row(self, request: Request) -> Response:
        asked = await json_of(request)
        row = asked.get("row")
        if type(row) is not int:
            raise UsageError(f"{row!r} is no row of a take; expected a number.")
        return JSONResponse({"weights": self._studio.take.needed().weights(row)})


def _keep(file: IO[bytes], path: Path) -> None:
    with path.open("wb") as kept:
        shutil.copyfileobj(file, kept)
