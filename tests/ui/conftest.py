"""The page's server in a thread, and somebody who calls it."""

import atexit
import contextlib
import http.client
import json
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.commands.options.model import open_model
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.command_line_to_copy import PageOptions
from reggan_plugin.ui.live_face import Screen
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.page_actions import Studio
from reggan_plugin.ui.server import serve_page

from ..motion_models import write_motion_model
from ..sample_frames import SAMPLES as FULL_SAMPLES
from ..sample_frames import small_frame

_SCRATCH = tempfile.TemporaryDirectory(prefix="samples")
atexit.register(_SCRATCH.cleanup)


def _half_samples() -> dict[str, Path]:
    """The sample shots at half their size: the page does the same with them in less time."""
    shots = {path.name: Path(_SCRATCH.name, path.name) for path in sample_shots()}
    for name, folder in shots.items():
        folder.mkdir()
        for frame in (FULL_SAMPLES / name).iterdir():
            small_frame(f"{name}/{frame.name}", folder)
    return shots


SAMPLES = _half_samples()


class Caller:
    """Calls the page's server as the page does, or as nobody should."""

    def __init__(self, address: str, studio: Studio) -> None:
        self.address, self.studio = address, studio
        parts = urlsplit(address)
        self.port, self.prefix = parts.port, parts.path
        self.host = f"127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        *,
        prefix: str | None = None,
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            content = json.dumps(body).encode() if isinstance(body, dict) else body
            own = {"Host": self.host, "Origin": f"http://{self.host}", **(headers or {})}
            address = (self.prefix if prefix is None else prefix) + path
            connection.putrequest(method, address, skip_host=True)
            for name, value in own.items():
                if value:
                    connection.putheader(name, value)
            if content is not None and "Content-Length" not in own:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers

    def post(self, path: str, **body: Any) -> tuple[int, bytes]:
        status, content, _ = self.call("POST", path, body)
        return status, content

    def open_sample(self, name: str = "avatar_png") -> int:
        status, content = self.post("sample", name=name)
        assert status == 200, content
        return int(json.loads(content)["first"])


@contextlib.contextmanager
def running_page(studio: Studio, options: PageOptions | None = None) -> Iterator[Caller]:
    """A server that runs until the end of the block."""
    addresses: queue.Queue[str] = queue.Queue()
    arguments = (studio, options or PageOptions(), 0, addresses.put)
    thread = threading.Thread(target=serve_page, args=arguments, daemon=True)
    thread.start()
    caller = Caller(addresses.get(timeout=30), studio)
    try:
        yield caller
    finally:
        with contextlib.suppress(ConnectionRefusedError):
            caller.call("POST", "quit", {})
        thread.join(timeout=30)
        assert not thread.is_alive()
        studio.close()


def studio_of(
    model: Path | str | None = None, samples: Iterable[Path] = SAMPLES.values(), **limits: int
) -> Studio:
    files = OpenFiles(tuple(samples), **limits)
    return Studio(partial(open_model, None if model is None else str(model), "cpu"), files)


@pytest.fixture(scope="session")
def motion_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "moving.onnx"
    return write_motion_model(path, motion=(0.04, 0.0), gain=0.1, answers_to="jawOpen")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Three numbered frames of an avatar."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for path in sorted(SAMPLES["avatar_png"].iterdir())[:3]:
        shutil.copy(path, folder)
    return folder


_TILES: dict[tuple[str, str, str], dict[str, Screen]] = {}
"""By change, of each face that was opened."""
_DRAWN = 6
"""Tiles of a face, but of the first: a gallery has 66, which no test of the browser looks into."""


@pytest.fixture(autouse=True)
def remembered_tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a gallery once for all browser tests that open the same sample; of faces after the
    first one a few tiles, which stand for the others.
    """
    if "browser" not in request.keywords:
        return
    draw = Studio.thumbnail

    def thumbnail(studio: Studio, number: int, choice: FaceChoice, change: SliderValues) -> Screen:
        face = studio.transfer.card.name, str(studio.files.path(number)), repr(choice)
        own = _TILES.setdefault(face, {})
        if repr(change) in own:
            return own[repr(change)]
        if len(own) >= _DRAWN and face != next(iter(_TILES)):
            return next(iter(own.values()))
        own[repr(change)] = drawn = draw(studio, number, choice, change)
        return drawn

    monkeypatch.setattr(Studio, "thumbnail", thumbnail)


StartPage = Callable[[Studio], Caller]


@pytest.fixture
def start_page() -> Iterator[StartPage]:
    """Starts servers, which end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda studio: stack.enter_context(running_page(studio))


@pytest.fixture(scope="module")
def page() -> Iterator[Caller]:
    """One for the tests of a file, where none has its own."""
    with running_page(studio_of()) as caller:
        yield caller
