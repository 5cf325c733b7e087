"""`tools/release.py` makes the parts of a release, and its wheel installs.

The zips are tested in tests/blender_bridge.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from .docs.conftest import PAGES

ROOT = Path(__file__).resolve().parents[1]
COMPILED = ROOT / "reggan_plugin" / "kernels" / "compiled"
LARGEST_MIB = 40
SYSTEMS = ("linux-x86_64.so", "linux-arm64.so", "macos-x86_64.dylib", "macos-arm64.dylib")
SYSTEMS += ("linux-x86_64-avx2.so", "macos-x86_64-avx2.dylib")
SYSTEMS += ("windows-x86_64.dll", "windows-x86_64-avx2.dll")
"""For each of which the one wheel holds the kernels."""
KEPT = {"PATH", "HOME", "SYSTEMROOT", "TEMP", "TMPDIR", "USERPROFILE", "LOCALAPPDATA"}
KEPT |= {"PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"}
"""What a new environment is given of this one's variables; no PYTHONPATH among them."""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(release: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what can be made without Blender and a package index."""
    out = tmp_path_factory.mktemp("release") / "dist"
    out.mkdir()
    with zipfile.ZipFile(out / f"reggan_plugin-{release.VERSION}-page.zip", "w") as page:
        page.writestr("index.html", "the page in the browser alone, without npm")

    def compiled_once(*words: str) -> None:  # for the wheel, not for the nodes as well
        if words[0] == "hatch_build.py":
            shutil.copytree(COMPILED, words[1])
        else:
            python(*words)

    python, release._python = release._python, compiled_once
    assert release.main(["wheel", "nodes", "docs", "weights", "sums", "--out", str(out)]) == 0
    release._python = python
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    (path,) = built.glob("*.whl")
    assert path.stat().st_size < LARGEST_MIB * 2**20
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.mark.slow
def test_it_builds_archives_pages_and_sums(release: ModuleType, built: Path) -> None:
    lines = (built / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    names = {path.name for path in built.iterdir()}
    assert set(sums) == names - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest
    stem = f"reggan_plugin-{release.VERSION}"
    assert {f"{stem}-py3-none-any.whl", f"{stem}.tar.gz", f"{stem}-docs.zip"} <= names
    weights = {path.name for path in (ROOT / "reggan_plugin/weights").glob("*.onnx")}
    assert weights
    assert weights <= names
    with zipfile.ZipFile(built / f"{stem}-docs.zip") as pages:
        assert {page.with_suffix(".html").name for page in PAGES[1:]} <= set(pages.namelist())
        assert "try/index.html" in pages.namelist()
        assert "KHR_materials_variants" in pages.read("textures.html").decode()
    with zipfile.ZipFile(built / f"{stem}-comfyui.zip") as nodes:
        packed = {name.removeprefix("reggan-plugin/") for name in nodes.namelist()}
    assert {"__init__.py", "requirements.txt", "pyproject.toml"} <= packed
    assert {"reggan_plugin/comfyui/web/reggan.js", "reggan_plugin/weights/reggan.onnx"} <= packed
    assert {f"reggan_plugin/kernels/compiled/{name}" for name in SYSTEMS} <= packed
    with tarfile.open(built / f"{stem}.tar.gz") as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert {"CHANGELOG.md", "tests/gate.py", "tools/release.py", "requirements/gate.txt"} <= sources


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
        "reggan_plugin/kernels/sample.c",
        "reggan_plugin/rig/template.npz",
        "reggan_plugin/rig/mouth.npz",
        "reggan_plugin/rig/face_reader.npz",
    ],
)
def test_what_the_commands_need_is_inside(wheel: zipfile.ZipFile, path: str) -> None:
    assert path in wheel.namelist()


def test_the_same_sources_make_the_same_kernels(wheel: zipfile.ZipFile) -> None:
    for name in SYSTEMS:
        made = wheel.read(f"reggan_plugin/kernels/compiled/{name}")
        assert made == (COMPILED / name).read_bytes(), "of older flags? python hatch_build.py"


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
    assert run(sys.executable, "-m", "venv", "--without-pip", "empty").returncode == 0
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python")
    installed = run(*pip, "install", "-q", "--no-compile", str(wheel.filename))
    assert installed.returncode == 0, installed.stderr
    shutil.copy(ROOT / "reggan_plugin/samples/toon/toon.1001.png", tmp_path / "toon.1001.png")
    words = ["--frames", "toon.1001.png", "--expression", "happy", "--out", "out"]
    rendered = run(scripts / "reggan-plugin", "render", *words)
    assert rendered.returncode == 0, rendered.stderr
    before, after = (tmp_path / folder / "toon.1001.png" for folder in (".", "out"))
    assert before.read_bytes() != after.read_bytes()
    timed = run(scripts / "reggan-plugin", "bench", "--rounds", "1", "--batch", "1")
    assert timed.returncode == 0, timed.stderr  # every device that is not there is a sentence
    assert not list((tmp_path / "empty").rglob("torch"))


def test_all_is_made_and_the_sums_come_last(release: ModuleType) -> None:
    assert list(release.PARTS) == [
        *("wheel", "zips", "nodes", "page", "docs", "weights", "bill", "sums")
    ]


def test_three_zips_are_built_and_a_failure_ends_it(
    release: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(release, "_python", lambda *words: asked.append(words))
    blender = ["--blender", "/opt/blender"]
    assert release.main(["zips", "--out", str(tmp_path), *blender]) == 0
    platforms = [words[words.index("--platform") + 1] for words in asked]
    assert platforms == ["linux-x64", "windows-x64", "macos-arm64"]
    assert all(words[-2:] == tuple(blender) for words in asked)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert release.main(["zips", "--out", str(tmp_path)]) == 1
    assert "blender_addon.build" in capsys.readouterr().err


def test_a_bill_without_a_wheel_says_what_to_do(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["bill", "--out", str(tmp_path)]) == 1
    assert "python tools/release.py wheel" in capsys.readouterr().err


def test_the_version_is_the_same_everywhere(release: ModuleType) -> None:
    addon = tomllib.loads((ROOT / "blender_addon/blender_manifest.toml").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert addon["version"] == str(citation["version"]) == release.VERSION
    newest = next(line for line in changes.splitlines() if line.startswith("## "))
    assert newest.startswith(f"## {release.VERSION} ")
