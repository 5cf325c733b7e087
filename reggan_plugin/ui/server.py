"""Runs the page's server on the loopback, until it is told to end."""

import secrets
import socket
from collections.abc import Callable

import uvicorn

from reggan_plugin.errors import RegganError
from reggan_plugin.ui.guard import Guard
from reggan_plugin.ui.routes import PageRoutes
from reggan_plugin.ui.studio import Studio
from reggan_plugin.ui.words_to_copy import PageOptions

_TOKEN_BYTES = 24
_SHUTDOWN_S = 3


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
        http="h11",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = uvicorn.Server(config)
    announce(f"http://127.0.0.1:{own_port}/{token}/")
    with listening:
        server.run(sockets=[listening])


def _listening_socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise RegganError(
            f"Port {port} cannot be had: {error.strerror}.", kind="port-is-taken", port=port
        ) from error
    listening.listen()
    return listening
