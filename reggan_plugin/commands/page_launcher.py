"""A file that opens the local page by a double click."""

import re
import shlex
import sys
from importlib import resources
from pathlib import Path

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.errors import OutputExistsError
from reggan_plugin.jobs.plan import make_writable_folder

_DESKTOP = """\
[Desktop Entry]
Type=Application
Name=reggan-plugin
Comment=Change the expression of a face by eye
Exec=env {command} -m reggan_plugin ui %f
Icon={icon}
Terminal=false
Categories=Graphics;
"""
"""`env`: GNOME looks for the program before it reads `%%` as `%`."""
_COMMAND = """\
#!/bin/sh
exec {command} -m reggan_plugin ui "$@"
"""
_CMD = """\
@echo off\r
chcp 65001 >nul\r
start "reggan-plugin" /min {command} -m reggan_plugin ui %*\r
"""
"""`chcp`: this file is UTF-8, and cmd.exe reads it in its own code page."""


def write_launcher(
    folder: Path,
    system: str = sys.platform,
    python: str = sys.executable,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the file that a system's desktop starts, for this installation; its path.

    A picture that is dropped on it is opened. It holds no option: settings files count.

    Args:
        folder: where it goes; made if it is not there.
        system: as `sys.platform`.
        python: the interpreter that has reggan-plugin.
        overwrite: whether an earlier one is replaced.

    Raises:
        OutputExistsError: it is there, and may not be replaced.
        OutputError: it cannot be written.
    """
    if system == "win32":
        name, text = "reggan-plugin.cmd", _CMD.format(command=f'"{python.replace("%", "%%")}"')
    elif system == "darwin":
        name, text = "reggan-plugin.command", _COMMAND.format(command=shlex.quote(python))
    else:
        icon = resources.files("reggan_plugin.ui") / "page" / "icon.svg"
        name, text = "reggan-plugin.desktop", _DESKTOP.format(command=_quoted(python), icon=icon)
    path = folder / name
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists.", kind="launcher-exists")
    make_writable_folder(folder)
    write_atomically(path, text.encode())
    path.chmod(0o755)
    return path


def _quoted(argument: str) -> str:
    """Return an argument of `Exec`. Source: Desktop Entry Specification 1.5, The Exec key."""
    escaped = re.sub(r'(["`$\\])', r"\\\1", argument).replace("%", "%%")
    return '"' + escaped.replace("\\", "\\\\") + '"'
