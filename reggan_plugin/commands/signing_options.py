"""The options that sign changed pictures."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.options import grouped_option
from reggan_plugin.errors import UsageError
from reggan_plugin.files.signing import Signing

_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --sign and --key; the command takes them as `signing`, None without them."""

    @grouped_option(
        "Output",
        "--sign",
        "certificate",
        type=_PEM_FILE,
        is_input=True,
        metavar="CERT.pem",
        help="Sign changed frames as Content Credentials (C2PA): in PNG, JPEG and TIFF, beside "
        "EXR. The signer's certificate, then those that issued it. Needs the extra [c2pa].",
    )
    @grouped_option(
        "Output",
        "--key",
        type=_PEM_FILE,
        is_input=True,
        metavar="KEY.pem",
        help="The key of --sign, without a password. It is read, and written nowhere.",
    )
    @functools.wraps(command)
    def with_signing(*, certificate: Path | None, key: Path | None, **others: Any) -> Any:
        if (certificate is None) != (key is None):
            raise UsageError("--sign CERT.pem and --key KEY.pem belong together. Give both.")
        signing = None
        if certificate is not None and key is not None:
            signing = Signing(certificate=certificate, key=key)
        return command(signing=signing, **others)

    return with_signing
