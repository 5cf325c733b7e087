"""The command itself: it prints an address that answers, and ends when the page says so."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from reggan_plugin.cli import main


def test_it_serves_what_it_was_started_on_until_the_page_quits(shot: Path) -> None:
    command = [sys.executable, "-m", "reggan_plugin", "ui", str(shot), "--no-browser"]
    with subprocess.Popen([*command, "--device", "cpu"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        with urllib.request.urlopen(f"{address}state", timeout=60) as answer:
            (opened,) = json.load(answer)["shots"]
        assert opened["files"] == sorted(path.name for path in shot.iterdir())
        origin = f"http://{urlsplit(address).netloc}"
        end = urllib.request.Request(f"{address}quit", b"{}", {"Origin": origin})
        urllib.request.urlopen(end, timeout=60).close()
        assert run.wait(timeout=60) == 0
    assert origin.startswith("http://127.0.0.1:")


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert main(["ui", str(tmp_path / "no such folder"), "--no-browser"]) == 1
