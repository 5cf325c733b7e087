"""What is installed: three packages, weights, samples and licences, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_MIB = 40
KEPT = {"PATH", "HOME", "SYSTEMROOT", "TEMP", "TMPDIR", "USERPROFILE", "LOCALAPPDATA"}
KEPT |= {"PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"}
"""What a new environment is given of this one's variables; no PYTHONPATH among them."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    assert path.stat().st_size < LARGEST_MIB * 2**20
    return zipfile.ZipFile(path)


def test_it_holds_the_packages_and_nothing_beside_them(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "reggan_plugin",
        "reggan_training",
        "reggan_export",
    }


@pytest.mark.parametrize(
    "path",
    [
        "reggan_plugin/weights/reggan.onnx",
        "reggan_plugin/weights/face_locator/detector.onnx",
        "reggan_plugin/samples/avatar_exr/avatar.1006.exr",
        "reggan_plugin/samples/toon/toon.1001.png",
        "reggan_plugin/samples/head.glb",
        "reggan_plugin/py.typed",
        "reggan_plugin/curves/page/page.html",
        "reggan_plugin/report/shot_page/page.html",
        "reggan_plugin/ui/page/index.html",
        "reggan_training/metrics/judges/expression_judge.safetensors",
        "reggan_training/papers/study/rater_page/page.html",
        "reggan_plugin/rig/template.npz",
        "reggan_plugin/rig/mouth.npz",
        "reggan_plugin/rig/face_reader.npz",
    ],
)
def test_what_the_commands_need_is_inside(wheel: zipfile.ZipFile, path: str) -> None:
    assert path in wheel.namelist()


def test_licences_travel_with_it(wheel: zipfile.ZipFile) -> None:
    names = [Path(name).name for name in wheel.namelist() if "/licenses/" in name]
    assert sorted(names) == ["LICENSE", "THIRD_PARTY_NOTICES.md"]


@pytest.mark.slow
def test_an_empty_environment_installs_it_and_changes_a_frame(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        environment = {key: os.environ[key] for key in KEPT & set(os.environ)}
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    index = run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "click", "-d", "probe")
    if index.returncode:
        pytest.skip("no package index to install from")
    assert run(sys.executable, "-m", "venv", "empty").returncode == 0
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    installed = run(scripts / "python", "-m", "pip", "install", "-q", str(wheel.filename))
    assert installed.returncode == 0, installed.stderr
    shutil.copy(ROOT / "reggan_plugin/samples/toon/toon.1001.png", tmp_path / "toon.1001.png")
    words = ["--frames", "toon.1001.png", "--expression", "happy", "--out", "out"]
    rendered = run(scripts / "reggan-plugin", "render", *words)
    assert rendered.returncode == 0, rendered.stderr
    before, after = (tmp_path / folder / "toon.1001.png" for folder in (".", "out"))
    assert before.read_bytes() != after.read_bytes()
    timed = run(scripts / "reggan-plugin", "bench", "--rounds", "1", "--batch", "1")
    assert timed.returncode == 0, timed.stderr  # every device that is not there is a sentence
    without_torch = run(scripts / "python", "-c", "import reggan_plugin, torch")
    assert "No module named 'torch'" in without_torch.stderr
