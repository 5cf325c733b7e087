"""What a neighbour on the machine, or a page gone wrong, may do to the server."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from starlette.requests import ClientDisconnect

from reggan_plugin.commands.ui import _announce
from reggan_plugin.errors import UsageError
from reggan_plugin.ui.change_from_json import change_from_json
from reggan_plugin.ui.command_line_to_copy import preset_text
from reggan_plugin.ui.request_checks import Guard
from reggan_plugin.vocabulary.expression import read_presets

from .conftest import Caller, running_page, studio_of


@pytest.fixture(scope="module")
def page() -> Iterator[Caller]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reggan_plugin.ui.server.MOST_HEADER_SECONDS", 1)
        patch.setattr("reggan_plugin.ui.server.MOST_CONNECTIONS", 20)
        with running_page(studio_of()) as caller:
            yield caller


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_silent_connections_leave_room_and_are_closed(page: Caller) -> None:
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", page.port or 0)))
            for _ in range(100)
        ]
        assert page.call("GET", "state")[0] == 200
        time.sleep(0.2)
        assert sum(not is_closed(one) for one in silent) <= 20
        silent[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
        time.sleep(1.5)
        assert all(is_closed(one) for one in silent)
    assert page.call("GET", "state")[0] == 200


def upload_head(page: Caller, rest: str) -> bytes:
    address = f"PUT {page.prefix}upload?drop=s&name=a.png HTTP/1.1\r\nHost: {page.host}\r\n"
    return f"{address}Origin: http://{page.host}\r\n{rest}\r\n\r\n".encode()


def test_a_body_has_so_long_from_one_piece_to_the_next(page: Caller) -> None:
    with socket.create_connection(("127.0.0.1", page.port or 0)) as connection:
        connection.sendall(upload_head(page, "Content-Length: 5"))
        for _ in range(3):
            time.sleep(0.6)
            connection.sendall(b"x")
        assert not is_closed(connection), "it goes on"
        time.sleep(1.5)
        assert is_closed(connection)
    with socket.create_connection(("127.0.0.1", page.port or 0)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode())
        time.sleep(0.2)
        assert connection.recv(4096).startswith(b"HTTP/1.1 403")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: ")  # the next head, in part
        time.sleep(1.5)
        assert is_closed(connection)


def test_a_body_that_breaks_off_is_no_fault_of_the_page() -> None:
    async def reads(*_: object) -> None:
        raise ClientDisconnect

    async def nothing(*_: object) -> Any:
        return None

    headers = [(b"host", b"127.0.0.1:1")]
    scope = {"type": "http", "path": "/a/", "method": "GET", "headers": headers}
    asyncio.run(Guard(reads, token="a", port=1)(scope, nothing, nothing))


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_body_that_is_none_is_no_fault_of_the_page(*, has_begun: bool) -> None:
    told: list[str] = []
    loggers, handler = (
        [logging.getLogger(n) for n in ("asyncio", "uvicorn.error")],
        logging.Handler(),
    )
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    with running_page(studio_of()) as page:
        for logger in loggers:
            logger.addHandler(handler)
        with socket.create_connection(("127.0.0.1", page.port or 0)) as connection:
            target = f"GET {page.prefix} HTTP/1.1\r\nHost: {page.host}\r\n"
            connection.sendall(f"{target}Transfer-Encoding: chunked\r\n\r\n".encode())
            if has_begun:
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            connection.sendall(b"zz\r\nabc\r\n")
            if not has_begun:
                assert connection.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 200"))
            while not is_closed(connection):
                connection.recv(4096)
        assert page.call("GET", "state")[0] == 200
    for logger in loggers:
        logger.removeHandler(handler)
    assert told == []


@pytest.mark.parametrize("target", ["*", "http:", "//", "/%ff"])
def test_odd_targets_are_refused(page: Caller, target: str) -> None:
    with socket.create_connection(("127.0.0.1", page.port or 0)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode())
        assert connection.recv(100).startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))


@pytest.mark.parametrize("number", ["1" + "0" * 399, "1e308", "-1e308", "1e400", "NaN"])
def test_a_box_beyond_all_bounds_is_refused(page: Caller, number: str) -> None:
    first = page.open_sample()
    for box in (f"[0, 0, {number}, 1]", f"[{number}, 0, 1, 1]"):
        asked = f'{{"file": {first}, "face": {{"box": {box}}}, "longest": 64, "order": 1'
        body = f'{asked}, "change": {{"weights": {{"happy": 1}}}}}}'.encode()
        assert page.call("POST", "change", body)[0] == 400
        face = quote('{"box": ' + box + "}")
        assert page.call("GET", f"picture?file={first}&face={face}")[0] == 400


def test_names_and_lengths_beyond_all_bounds_are_refused(page: Caller) -> None:
    for name in ("é" * 120 + ".png", "a" * 300 + ".png"):
        status, content, _ = page.call("PUT", f"upload?drop=a&name={quote(name)}", b"x")
        assert (status, b"cannot be the name" in content) == (400, True)
    status, _, _ = page.call("PUT", "upload?drop=a&name=a.png", b"", {"Content-Length": "9" * 5000})
    assert status in (400, 422)
    for name in ("\ud800", "", "a\\b", "happy", "x" * 300, "a\nb"):
        change = {"weights": {"jawOpen": 0.5}}
        status, content = page.post("preset", name=name, change=change)
        assert status == 400, name
        assert b"name" in content or b"already" in content


@pytest.mark.parametrize("name", ["my smile", "smile 😀", "ääh", 'a "b"'])
def test_a_preset_that_the_page_saves_is_read(name: str, tmp_path: Path) -> None:
    change = change_from_json({"weights": {"jawOpen": 0.5}})
    path = tmp_path / "own.toml"
    path.write_text(preset_text(name, change), encoding="utf-8")
    assert list(read_presets(path)) == [name]
    with pytest.raises(UsageError):
        preset_text("surprised", change)


def test_the_token_stands_in_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    _announce(tmp_path, "http://127.0.0.1:1/secret/")
    (address,) = opened
    assert "secret" not in address
    file = Path(urllib.request.url2pathname(urlsplit(address).path))
    assert "url=http://127.0.0.1:1/secret/" in file.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_that_leads_to_the_page_may_and_no_other_site(page: Caller) -> None:
    leading: dict[str, Any] = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    leading["Origin"] = ""
    assert page.call("GET", "", headers=leading)[0] == 200
    assert page.call("GET", "state", headers=leading)[0] == 403
    assert page.call("GET", "", headers={**leading, "Sec-Fetch-Dest": "iframe"})[0] == 403


@pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without asking it")
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_that_ends_the_page_leaves_no_uploads(
    tmp_path: Path, name: str, code: int
) -> None:
    command = [sys.executable, "-m", "reggan_plugin", "ui", "--no-browser", "--device", "cpu"]
    settings = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as run:
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        origin = {"Origin": f"http://{urlsplit(address).netloc}"}
        put = urllib.request.Request(
            f"{address}upload?drop=a&name=a.png", b"x", origin, method="PUT"
        )
        with urllib.request.urlopen(put, timeout=60) as answer:
            assert json.load(answer) == {"name": "a.png"}
        assert list(tmp_path.rglob("a.png"))
        run.send_signal(signal.Signals[name])
        assert run.wait(timeout=60) == code
    assert [path for path in tmp_path.iterdir() if path.name.startswith("reggan-")] == []
