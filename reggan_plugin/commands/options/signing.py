"""The options that sign changed pictures."""

from pathlib import Path

import click

from reggan_plugin.commands.options.grouped import grouped_option, options_as
from reggan_plugin.errors import UsageError
from reggan_plugin.files.credentials_signed import Signing

_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _signing_from_options(
    certificate: Path | None,
    key: Path | None,
) -> Signing | None:
    if (certificate is None) != (key is None):
        raise UsageError("--sign CERT.pem and --key KEY.pem belong together. Give both.")
    if certificate is None or key is None:
        return None
    return Signing(certificate=certificate, key=key)


signing_options = options_as(
    "signing",
    _signing_from_options,
    grouped_option(
        "Output",
        "--sign",
        "certificate",
        type=_PEM_FILE,
        is_input=True,
        metavar="CERT.pem",
        help="Sign changed frames as Content Credentials (C2PA): in PNG, JPEG, TIFF and WebP, "
        "beside the others. The signer's certificate, then those that issued it. Needs the extra "
        "[c2pa].",
    ),
    grouped_option(
        "Output",
        "--key",
        type=_PEM_FILE,
        is_input=True,
        metavar="KEY.pem",
        help="The key of --sign, without a password. It is read, and written nowhere.",
    ),
)
"""`--sign` and `--key`; the command takes `signing`, None without them."""
