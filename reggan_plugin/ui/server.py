"""Runs the page's server on the loopback, until it is told to end; slow connections are closed."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reggan_plugin.errors import RegganError
from reggan_plugin.limits import MOST_CONNECTIONS, MOST_HEADER_SECONDS
from reggan_plugin.ui.command_line_to_copy import PageOptions
from reggan_plugin.ui.page_actions import Studio
from reggan_plugin.ui.request_checks import Guard
from reggan_plugin.ui.routes import PageRoutes

_TOKEN_BYTES = 24
_SHUTDOWN_S = 3
_LOG_LINES, _LOG_S = 5, 60.0


def serve_page(
    studio: Studio, options: PageOptions, port: int, announce: Callable[[str], None]
) -> None:
    """Serve until the page or Ctrl-C ends it.

    Args:
        studio: what the page works with.
        options: that commands repeat.
        port: 0 takes a free one.
        announce: takes the address once it answers.

    Raises:
        RegganError: the port is taken.
    """
    listening = _listening_socket(port)
    own_port = listening.getsockname()[1]
    token = secrets.token_urlsafe(_TOKEN_BYTES)

    def end() -> None:
        server.should_exit = True

    guard = Guard(PageRoutes(studio, options, end).app(), token=token, port=own_port)
    config = uvicorn.Config(
        guard,
        http=_Connection,
        timeout_keep_alive=MOST_HEADER_SECONDS,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = uvicorn.Server(config)
    announce(f"http://127.0.0.1:{own_port}/{token}/")
    with listening, _quiet_logs(), _ended_in_order(end):
        server.run(sockets=[listening])


class _Connection(H11Protocol):
    """A connection that has to say what it wants soon; where there are too many, the oldest goes.

    The head of a request has so many seconds in all, a body from one piece to the next.

    Any program of this machine can connect, whether it knows the token or not.
    """

    _silent: ClassVar[dict["_Connection", asyncio.TimerHandle]] = {}
    """Those that have not sent the whole of a request yet, the oldest first."""

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or close one."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            next(iter(self._silent)).transport.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:  # it is a part of a head
            if self not in self._silent:
                self._wait()
            return
        self._has_spoken()
        if self.cycle.more_body:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no request or no body; what answers them meanwhile is not sent."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:  # an answer has begun
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._has_spoken()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._silent[self] = self.loop.call_later(MOST_HEADER_SECONDS, self._end)

    def _end(self) -> None:
        if self.flow.read_paused:  # it is not the one who is late
            self._wait()
        else:
            self.transport.close()

    def _has_spoken(self) -> None:
        later = self._silent.pop(self, None)
        if later is not None:
            later.cancel()


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Let a server that is attacked write a few lines a minute, without tracebacks."""
    begun: list[float] = []

    def is_shown(record: logging.LogRecord) -> bool:
        now = time.monotonic()
        begun[:] = [one for one in begun if now - one < _LOG_S]
        begun.append(now)
        record.exc_info, record.exc_text = None, None
        return len(begun) <= _LOG_LINES

    loggers = [logging.getLogger(name) for name in ("asyncio", "uvicorn.error")]
    for logger in loggers:
        logger.addFilter(is_shown)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_shown)


@contextmanager
def _ended_in_order(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM, which uvicorn passes on when it has stopped, remove what was uploaded.

    So does SIGHUP, the end of its terminal, by `stop`; under `nohup` it stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hung_up: list[int] = []

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    def hang_up(number: int, _: object) -> None:
        hung_up.append(number)
        stop()

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if hung_up:
        raise SystemExit(128 + hung_up[0])


def _listening_socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # also while connections of an earlier page fade; Windows would share it
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise RegganError(
            f"Port {port} cannot be had: {error.strerror}.", kind="port-is-taken", port=port
        ) from error
    listening.listen()
    return listening
