"""The environment that the extension makes itself: what is asked of pip, and what stays."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from blender_addon.bridge import own_environment
from blender_addon.bridge.own_environment import NotMadeError, make, note_of

NEEDED = {"onnxruntime": "1.32.0", "numpy": "1.26.4", "reggan_plugin": "0.5.0"}
Commands = list[list[str]]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The extension's own, with two that came with it."""
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in (
        "reggan_plugin-0.5.0-py3-none-any.whl",
        f"onnxruntime-1.32.0-{tag}-{tag}-manylinux_2_28_x86_64.whl",
        "imagecodecs-2026.1.14-cp39-cp39-win_amd64.whl",
        "click-8.5.1-py3-none-any.whl",
    ):
        (folder / name).touch()
    return folder / "reggan_plugin-0.5.0-py3-none-any.whl"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What is run: a folder like an environment is made, and nothing fetched."""
    run: Commands = []

    def pretend(command: Sequence[str], failure: str, take: Any = None) -> None:
        run.append(list(command))
        if "venv" in command:
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir(parents=True)
            python.touch()
        if "--report" in command:
            listed = [{"metadata": {"name": n, "version": v}} for n, v in NEEDED.items()]
            report = Path(command[command.index("--report") + 1])
            report.write_text(json.dumps({"install": listed}))

    monkeypatch.setattr(own_environment, "_run", pretend)
    monkeypatch.setattr(own_environment, "_doctor", lambda python: {"auto": "cpu"})
    return run


def test_it_is_made_of_the_wheel_in_the_zip(
    commands: Commands, wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "environment"
    make(folder, wheel, gpu=False, note='{"before": ["BUNDLED", ""]}')
    *_, installs = commands
    assert str(wheel) in installs
    assert {"onnxruntime==1.32.0", "numpy==1.26.4", "--no-deps"} <= set(installs)
    assert "--only-binary=:all:" in installs  # no code of a package runs while it is installed
    constraints = (folder / "constraints.txt").read_text().splitlines()
    assert constraints == ["click==8.5.1", "onnxruntime==1.32.0"]  # as in the zip, for this Python
    note = note_of(folder)
    assert note is not None
    assert (note["version"], note["before"]) == ("0.5.0", ["BUNDLED", ""])
    assert note["packages"]["numpy"] == "1.26.4"
    assert json.loads(capsys.readouterr().out)["auto"] == "cpu"


def test_for_a_gpu_one_package_takes_the_place_of_another(
    commands: Commands, wheel: Path, tmp_path: Path
) -> None:
    """Both would write the same files."""
    make(tmp_path / "environment", wheel, gpu=True, note="{}")
    *_, asks, installs = commands
    assert own_environment.FOR_NVIDIA in asks
    assert not any(one.startswith("onnxruntime==") for one in installs)


class _Driver:
    """NVIDIA's, as `libcuda.so.1` gives it: the one thing here that is pretended."""

    def __init__(self, cards: int, cuda: int, fails: int = 0) -> None:
        self._cards, self._cuda, self._fails = cards, cuda, fails

    def cuInit(self, flags: int) -> int:  # noqa: N802 - NVIDIA's name
        return self._fails

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self._cards
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:  # noqa: N802
        version._obj.value = self._cuda
        return 0


@pytest.mark.parametrize(
    ("driver", "takes_gpu", "said"),
    [
        (None, False, ""),
        (_Driver(cards=1, cuda=13000), True, ""),
        (_Driver(cards=2, cuda=13020), True, ""),
        (_Driver(cards=0, cuda=13000), False, ""),
        (_Driver(cards=1, cuda=13000, fails=100), False, ""),  # CUDA_ERROR_NO_DEVICE
        (_Driver(cards=1, cuda=12040), False, "The NVIDIA driver is for CUDA 12.4; the packages"),
    ],
)
def test_the_driver_is_asked_for_a_card(
    commands: Commands,
    wheel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    driver: _Driver | None,
    takes_gpu: bool,
    said: str,
) -> None:
    """NVIDIA's packages come where its card is, from the index that pip is set to; or it is said.

    They stand in for onnxruntime, so that is not held to the zip's version.
    """

    def load(name: str) -> _Driver:
        assert name in ("libcuda.so.1", "nvcuda.dll")
        if driver is None:
            raise OSError(name)
        return driver

    monkeypatch.setattr(own_environment.ctypes, "CDLL", load)
    folder = tmp_path / "environment"
    make(folder, wheel, gpu=None, note="{}")
    *_, asks, installs = commands
    wanted = asks[asks.index("--report") + 2 : asks.index("--constraint")]
    extras = f"{wheel}[textures,usd,video,perform]"
    assert wanted == [extras, *(["onnxruntime-gpu[cuda,cudnn]"] if takes_gpu else [])]
    assert ("onnxruntime==1.32.0" in installs) is not takes_gpu
    constraints = (folder / "constraints.txt").read_text().splitlines()
    assert constraints == ["click==8.5.1", *([] if takes_gpu else ["onnxruntime==1.32.0"])]
    options = {word.partition("=")[0] for command in commands for word in command}
    assert options.isdisjoint({"--index-url", "-i", "--extra-index-url", "--find-links", "-f"})
    note = note_of(folder)
    assert note is not None
    assert note["has_gpu_packages"] is takes_gpu
    notices = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    heard = [one["message"] for one in notices if one["event"] == "notice"]
    assert [one.startswith(said) for one in heard] == ([True] if said else [])
    assert own_environment.main(["remove", str(folder)]) == 0
    assert not folder.exists()


@pytest.mark.parametrize("fault", [NotMadeError("No network."), KeyboardInterrupt()])
def test_what_cannot_be_made_leaves_what_was_there(
    commands: Commands,
    wheel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
) -> None:
    def fail(python: Path) -> dict[str, Any]:
        raise fault

    folder = tmp_path / "environment"
    with monkeypatch.context() as patched:
        patched.setattr(own_environment, "_doctor", fail)
        with pytest.raises(type(fault)):
            make(folder, wheel, gpu=False, note="{}")
    assert not folder.exists()
    make(folder, wheel, gpu=False, note="{}")
    (folder / "mine").touch()
    monkeypatch.setattr(own_environment, "_doctor", fail)
    with pytest.raises(type(fault)):
        make(folder, wheel, gpu=False, note="{}")
    assert (folder / "mine").exists()
    assert note_of(folder) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["environment", "wheels"]


def test_a_folder_without_a_note_is_no_environment(tmp_path: Path) -> None:
    assert note_of(tmp_path) is None
    (tmp_path / "reggan_environment.json").write_text("[]")
    assert note_of(tmp_path) is None


LINES = """\
Processing /ext/wheels/reggan_plugin-0.5.0-py3-none-any.whl
Collecting onnxruntime==1.32.0
  Downloading onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl (17.4 MB)
Progress 5000000 of 20000000
Progress 10000000 of 20000000
  Using cached click-8.5.1-py3-none-any.whl (102 kB)
Installing collected packages: click, onnxruntime, reggan-plugin
Successfully installed click-8.5.1
"""


def test_lines_of_pip_say_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    fetching = own_environment._Fetching(3)
    for line in LINES.splitlines():
        fetching.take(line.strip())
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["message"], one["done"], one["frames"]) for one in said] == [
        ("Fetching reggan-plugin", 0, 500),
        ("Fetching onnxruntime", 100, 500),
        ("Fetching onnxruntime: 5 of 20 MB", 125, 500),
        ("Fetching onnxruntime: 10 of 20 MB", 150, 500),
        ("Fetching click", 200, 500),
        ("Unpacking", 300, 500),
    ]


def test_it_runs_without_the_extension_around_it(tmp_path: Path) -> None:
    """Blender's Python runs the file alone, as a program, and a fault is a line of JSON."""
    script, folder = Path(own_environment.__file__), tmp_path / "environment"
    (folder / "lib").mkdir(parents=True)
    run = subprocess.run(
        [sys.executable, "-P", str(script), "remove", str(folder)], capture_output=True, text=True
    )
    assert (run.returncode, folder.exists()) == (0, False), run.stderr
    missing = str(tmp_path / "reggan_plugin-0.5.0-py3-none-any.whl")
    where = tmp_path / "file"
    where.touch()
    run = subprocess.run(
        [sys.executable, "-P", str(script), "make", str(where / "e"), "--wheel", missing],
        capture_output=True,
        text=True,
    )
    last = json.loads(run.stderr.splitlines()[-1])
    assert (run.returncode, last["event"]) == (1, "error")


@pytest.mark.skipif(sys.platform == "win32", reason="Blender ends it there at once")
def test_cancel_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    """As Blender cancels: while Python still fills the folder."""
    script, folder = Path(own_environment.__file__), tmp_path / "environment"
    command = [sys.executable, "-P", str(script), "make", str(folder), "--wheel", str(wheel)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60
        while not list(folder.glob("lib*/python*")) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 130
    time.sleep(0.5)
    assert not folder.exists()
