"""What is installed: three packages, weights, samples and licences, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_MIB = 40


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
        "reggan_plugin/py.typed",
        "reggan_plugin/report/shot_page/page.html",
        "reggan_training/metrics/judges/expression_judge.safetensors",
        "reggan_training/study/rater_page/page.html",
    ],
)
def test_what_the_commands_need_is_inside(wheel: zipfile.ZipFile, path: str) -> None:
    assert path in wheel.namelist()


def test_licences_travel_with_it(wheel: zipfile.ZipFile) -> None:
    names = [Path(name).name for name in wheel.namelist() if "/licenses/" in name]
    assert sorted(names) == ["LICENSE", "THIRD_PARTY_NOTICES.md"]
