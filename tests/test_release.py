"""`tools/release.py` makes the parts of a release; the zips are tested in tests/blender_bridge."""

import hashlib
import importlib.util
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_it_builds_archives_pages_and_sums(release: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    assert release.main(["wheel", "nodes", "docs", "weights", "sums", "--out", str(out)]) == 0
    lines = (out / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    names = {path.name for path in out.iterdir()}
    assert set(sums) == names - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    stem = f"reggan_plugin-{release.VERSION}"
    assert {f"{stem}-py3-none-any.whl", f"{stem}.tar.gz", f"{stem}-docs.zip"} <= names
    weights = {path.name for path in (ROOT / "reggan_plugin/weights").glob("*.onnx")}
    assert weights
    assert weights <= names
    with zipfile.ZipFile(out / f"{stem}-docs.zip") as pages:
        assert {"index.html", "textures.html"} <= set(pages.namelist())
    with zipfile.ZipFile(out / f"{stem}-comfyui.zip") as nodes:
        packed = {name.removeprefix("reggan-plugin/") for name in nodes.namelist()}
    assert {"__init__.py", "requirements.txt", "pyproject.toml"} <= packed
    assert {"reggan_plugin/comfyui/web/reggan.js", "reggan_plugin/weights/reggan.onnx"} <= packed
    with tarfile.open(out / f"{stem}.tar.gz") as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert {"CHANGELOG.md", "tests/gate.py", "tools/release.py", "requirements/gate.txt"} <= sources


def test_all_is_made_and_the_sums_come_last(release: ModuleType) -> None:
    assert list(release.PARTS) == [
        *("wheel", "zips", "nodes", "docs", "weights", "bill", "sums"),
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
