"""From a double click to a saved smile: the launcher, the page in Chromium, a click, the file.

    python -m tests.measurements.page_first_smile

Drops a sample frame on the launcher of `ui --launcher`, by `gio launch`, which does what GNOME
does on a double click. Prints the seconds until the page's address was there, until the page showed
the face, and until the changed frame was saved, with the start of Chromium and without the time
that a person takes to choose.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.commands.ui import write_launcher
from tests.chromium import open_chromium
from tests.ui.artist import Artist, saved_file
from tests.ui.conftest import Caller

_LONGEST_S = 120


class _Started:
    """The page of a program that was started by its launcher."""

    def __init__(self, address: str) -> None:
        self.address = address


def main() -> None:
    """Print the line."""
    if shutil.which("gio") is None:
        sys.exit("There is no gio: apt-get install libglib2.0-bin")
    sample = sorted((sample_shots()[0].parent / "avatar_png").iterdir())[0]
    with tempfile.TemporaryDirectory() as folder:
        said, downloads = Path(folder, "address"), Path(folder, "downloads")
        downloads.mkdir()
        browser_of_desktop = Path(folder, "browser")
        browser_of_desktop.write_text(
            f'#!/bin/sh\necho "$1" > "{said}.new"; mv "{said}.new" "{said}"\n'
        )
        browser_of_desktop.chmod(0o755)
        launcher = write_launcher(Path(folder))
        begin = time.monotonic()
        environment = {**os.environ, "BROWSER": f"{browser_of_desktop} %s"}
        subprocess.run(["gio", "launch", launcher, sample], env=environment, check=True)
        while not said.exists() and time.monotonic() < begin + _LONGEST_S:
            time.sleep(0.02)
        answers = time.monotonic() - begin
        browser = open_chromium(Path(folder, "profile"), downloads)
        if browser is None:
            sys.exit("There is no Chromium with its driver: apt-get install chromium-driver")
        artist = Artist(browser, cast(Caller, _Started(said.read_text().strip())))
        artist.wait_for("document.getElementById('save').disabled === false")
        shows = time.monotonic() - begin
        artist.choose("happy")
        artist.at_rest()
        name = saved_file(artist, downloads).name
        saved = time.monotonic() - begin
        artist.find("quit").click()
        artist.wait_for("document.body.className === 'is-over'")
        browser.quit()
    print(f"load {os.getloadavg()[0]:.1f}: the address after {answers:.1f} s, ", end="")
    print(f"the face after {shows:.1f} s, {name} after {saved:.1f} s")


if __name__ == "__main__":
    main()
