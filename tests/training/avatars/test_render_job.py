"""The job around the renderer, with a stand-in for Blender."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reggan_plugin.errors import OutputExistsError, UnreadableFrameError
from reggan_training.avatars.render_job import SetSettings, render_set
from reggan_training.avatars.render_settings import AvatarRenderSettings

WORKER = """
import json, os, sys, time
from pathlib import Path
setup = json.loads(sys.stdin.readline())
for line in sys.stdin:
    task = json.loads(line)
    name = f"{task['style']}_{task['number']:05d}"
    if task["number"] == int(os.environ.get("CRASH_AT", -1)):
        os._exit(9)
    if task["number"] == int(os.environ.get("HANG_AT", -1)):
        (Path(setup["root"]) / f".{name}.1.reggan-tmp").mkdir()
        time.sleep(60)
    error = "no such bone" if task["number"] == int(os.environ.get("FAIL_AT", -1)) else None
    if error is None:
        folder = Path(setup["root"]) / name
        folder.mkdir(parents=True)
        text = f"{setup['seed']} {os.getpid()}"
        (folder / "identity.json").write_text(text)
    print(json.dumps({"seconds": 0.1, "error": error}), flush=True)
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    return [sys.executable, str(script)]


def settings(root: Path, **changes: object) -> SetSettings:
    values = {"assets": root.parent, "root": root, "identities": 3, "processes": 2, **changes}
    return SetSettings(**values)  # type: ignore[arg-type]


def run(made: SetSettings, command: list[str]) -> tuple[dict[str, str], list[str]]:
    lines: list[str] = []
    failed = render_set(made, {"bpy": "5"}, lines.append, worker_command=command)
    return failed, lines


def test_every_identity_is_made_and_named(tmp_path: Path, command: list[str]) -> None:
    out = tmp_path / "set"
    failed, lines = run(settings(out, styles=("skin", "clay")), command)
    assert failed == {}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["schema"] == 1
    assert manifest["identities"] == [f"{s}_0100{n}" for s in ("clay", "skin") for n in range(3)]
    assert manifest["software"] == {"bpy": "5"}
    assert lines[0] == "0 are there, 6 to render"
    assert lines[-1].startswith("6/6 ")


def test_a_rerun_makes_only_what_is_missing(tmp_path: Path, command: list[str]) -> None:
    out = tmp_path / "set"
    run(settings(out), command)
    kept = (out / "skin_01001/identity.json").read_text()
    (out / "skin_01002/identity.json").unlink()  # half-made
    half = out / ".skin_01002.77-abc.reggan-tmp"
    half.mkdir()
    (out / "skin_01002").rmdir()
    failed, lines = run(settings(out, identities=4), command)
    assert failed == {}
    assert lines[0] == "2 are there, 2 to render"
    assert (out / "skin_01001/identity.json").read_text() == kept
    assert (out / "skin_01003/identity.json").is_file()
    assert not half.exists()


def test_a_worker_that_dies_takes_only_its_identity_along(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASH_AT", "1001")
    monkeypatch.setenv("FAIL_AT", "1002")
    out = tmp_path / "set"
    failed, _ = run(settings(out, identities=5, processes=1), command)
    assert failed == {
        "skin_01001": "the worker ended with status 9",
        "skin_01002": "no such bone",
    }
    made = json.loads((out / "manifest.json").read_text())["identities"]
    assert made == ["skin_01000", "skin_01003", "skin_01004"]


def test_other_settings_are_refused_with_what_differs(tmp_path: Path, command: list[str]) -> None:
    out = tmp_path / "set"
    run(settings(out), command)
    with pytest.raises(OutputExistsError, match=r"seed 0 \(now 1\).*name another folder"):
        run(settings(out, seed=1), command)
    with pytest.raises(OutputExistsError, match="render"):
        run(settings(out, render=AvatarRenderSettings(side_px=128)), command)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, command: list[str]) -> None:
    out = tmp_path / "holiday"
    out.mkdir()
    (out / "beach.jpg").touch()
    with pytest.raises(OutputExistsError, match="new or an empty folder"):
        run(settings(out), command)
    (out / "manifest.json").write_text("{")
    with pytest.raises(UnreadableFrameError, match="damaged"):
        run(settings(out), command)
    assert sorted(path.name for path in out.iterdir()) == ["beach.jpg", "manifest.json"]


def test_an_interrupted_job_leaves_nothing_half_made(tmp_path: Path, command: list[str]) -> None:
    out = tmp_path / "set"
    script = (
        "import sys; from pathlib import Path\n"
        "from reggan_plugin.jobs.interruption import Interrupted\n"
        "from reggan_training.avatars.render_job import SetSettings, render_set\n"
        f"out = Path({str(out)!r})\n"
        "made = SetSettings(assets=out.parent, root=out, identities=3)\n"
        "try:\n"
        f"    render_set(made, {{}}, print, worker_command={command!r})\n"
        "except Interrupted as interruption:\n"
        "    sys.exit(interruption.exit_code)\n"
    )
    job = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "HANG_AT": "1001"})
    half = out / ".skin_01001.1.reggan-tmp"
    deadline = time.monotonic() + 60
    while not half.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=30) == 130
    assert (out / "skin_01000/identity.json").is_file()
    assert not half.exists()
