"""The extension's build, as far as it goes without a network and without Blender."""

import html
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from blender_addon import build
from blender_addon.build import PLATFORMS, WheelError, needed_wheels
from blender_addon.build_manual import manual_from_markdown

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = (ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8")
LINUX, WINDOWS = PLATFORMS["linux-x64"], PLATFORMS["windows-x64"]


def make_wheel(folder: Path, name: str, *requirements: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines))
    return path


@pytest.fixture
def own_wheel(tmp_path: Path) -> Path:
    for name in ("numpy", "sampler", "colorama", "unwanted"):
        make_wheel(tmp_path, name)
    make_wheel(tmp_path, "embreex", "numpy>=1.26")
    make_wheel(tmp_path, "click", 'colorama; platform_system == "Windows"')
    return make_wheel(
        tmp_path,
        "reggan_plugin",
        "click>=8",
        "numpy>=1.26",
        'sampler; python_version < "3.12"',
        'embreex>=4; extra == "textures"',
        'torch; extra == "train"',
    )


def names(wheels: tuple[Path, ...]) -> set[str]:
    return {parse_wheel_filename(wheel.name)[0] for wheel in wheels}


def test_what_the_runtime_needs_there_is_taken_and_never_numpy(own_wheel: Path) -> None:
    folder = own_wheel.parent
    assert names(needed_wheels(folder, own_wheel, LINUX, "3.11")) == {
        *("reggan-plugin", "click", "sampler", "embreex")
    }
    assert names(needed_wheels(folder, own_wheel, WINDOWS, "3.13")) == {
        *("reggan-plugin", "click", "colorama", "embreex")
    }


def test_a_dependency_without_a_wheel_is_named(own_wheel: Path) -> None:
    (own_wheel.parent / "colorama-1.0-py3-none-any.whl").unlink()
    assert needed_wheels(own_wheel.parent, own_wheel, LINUX, "3.13")
    with pytest.raises(WheelError, match="colorama has no wheel"):
        needed_wheels(own_wheel.parent, own_wheel, WINDOWS, "3.13")


@pytest.mark.parametrize("name", ["nvidia_cudnn_cu13", "tensorrt_cu13", "onnxruntime_gpu"])
def test_nothing_under_nvidias_licence_is_bundled(own_wheel: Path, name: str) -> None:
    make_wheel(own_wheel.parent, name)
    make_wheel(own_wheel.parent, "click", name.replace("_", "-"))
    with pytest.raises(WheelError, match="must not be bundled"):
        needed_wheels(own_wheel.parent, own_wheel, LINUX, "3.11")


def test_the_runtime_itself_requires_nothing_that_must_not_be_bundled() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["textures"]
    assert not [line for line in wanted if re.match("nvidia|tensorrt|torch|onnxruntime-", line)]


def test_the_manifest_of_a_platform_lists_its_wheels() -> None:
    wheels = ["click-8.5.1-py3-none-any.whl", "reggan_plugin-0.1.0-py3-none-any.whl"]
    manifest = tomllib.loads(build.manifest_with_wheels(MANIFEST, "windows-x64", wheels))
    assert manifest["platforms"] == ["windows-x64"]
    assert manifest["wheels"] == [f"./wheels/{name}" for name in wheels]
    before = tomllib.loads(MANIFEST)
    assert {key: manifest[key] for key in before} == before


def test_the_manifest_asks_for_what_it_uses_and_names_its_licence() -> None:
    """The network is for one button, and the reason says so, as Blender takes reasons."""
    manifest = tomllib.loads(MANIFEST)
    assert list(manifest["permissions"]) == ["files", "network"]
    assert "Make Environment" in manifest["permissions"]["network"]
    assert all(len(one) <= 64 and one[-1].isalnum() for one in manifest["permissions"].values())
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    licence = (ROOT / "blender_addon" / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert manifest["blender_version_min"] == "4.2.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert manifest["version"] == project["version"]


def test_without_blenders_builder_it_says_where_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    assert build.main(["--platform", "linux-x64", "--out", str(tmp_path / "dist")]) == 1
    assert "pip install bpy" in capsys.readouterr().err
    gone = str(tmp_path / "blender")
    assert build.main(["--platform", "linux-x64", "--blender", gone]) == 1
    assert "is no file" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


FAKE_BUILDER = """
import json, pathlib, sys, zipfile
words = sys.argv[1:]
if words[0] == "build":
    source, out = pathlib.Path(words[2]), words[4]
    with zipfile.ZipFile(out, "w") as archive:
        for path in source.rglob("*"):
            archive.write(path, path.relative_to(source))
"""


@pytest.fixture
def builder(tmp_path: Path, own_wheel: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Zips whatever it gets; wheels come from a folder instead of the index."""
    script = tmp_path / "builder.py"
    script.write_text(FAKE_BUILDER)
    monkeypatch.setattr(build, "build_own_wheel", lambda folder: own_wheel)
    monkeypatch.setattr(
        build,
        "collect_wheels",
        lambda own, platform, pythons, folder: needed_wheels(
            own.parent, own, PLATFORMS[platform], pythons[0]
        ),
    )
    return sys.executable, str(script)


def test_the_zip_holds_the_add_on_and_the_wheels_that_its_manifest_lists(
    builder: tuple[str, str], tmp_path: Path
) -> None:
    out = build.build(builder, "linux-x64", ["3.11"], tmp_path / "work")
    version = tomllib.loads(MANIFEST)["version"]
    assert out.name == f"reggan-{version}-linux-x64-cp311.zip"
    with zipfile.ZipFile(out) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        content = set(archive.namelist())
    assert {path.removeprefix("./") for path in manifest["wheels"]} == {
        name for name in content if name.endswith(".whl")
    }
    assert {"__init__.py", "registration.py", "bridge/run_job.py", "LICENSE"} <= content


def test_a_zip_over_the_limit_is_an_error(
    builder: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LARGEST_MB", 0)
    with pytest.raises(build.BuildError, match=r"more than 0 MB.*--python 3\.11"):
        build.build(builder, "linux-x64", ["3.11"], tmp_path / "work")


def test_what_the_builder_says_is_shown(tmp_path: Path, builder: tuple[str, str]) -> None:
    (tmp_path / "builder.py").write_text("import sys; sys.exit('tagline ends in a dot')")
    with pytest.raises(build.BuildError, match="tagline ends in a dot"):
        build.build(builder, "linux-x64", ["3.11"], tmp_path / "work")


def test_what_the_build_needs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line of the documentation, in a Python that has bpy alone."""
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    with pytest.raises(build.BuildError, match="pip install hatchling packaging ziglang"):
        build.build_own_wheel(tmp_path)


def test_the_manual_in_the_zip_is_the_page_of_the_documentation() -> None:
    """Every word of it stands there, every picture is in the zip, every link leads somewhere."""
    text = (ROOT / "docs" / "blender.md").read_text(encoding="utf-8")
    page = manual_from_markdown(text)
    assert "**" not in page
    assert "](" not in page
    pictures = re.findall(r'src="(.*?)"', page)
    assert pictures
    assert all((ROOT / "blender_addon" / one).is_file() for one in pictures)
    names = set(re.findall(r'id="(.*?)"', page))
    assert {one.removeprefix("#") for one in re.findall(r'href="(.*?)"', page)} <= names
    for said in ('<h1 id="blender">Blender</h1>', "<i>Change Image</i>", "<code>happy</code>"):
        assert said in page, said
    shown = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", page, flags=re.DOTALL))
    words = re.findall(r"\w+", re.sub(r"!\[.*?\]\(.*?\)|\]\(.*?\)|```\w*", "", text))
    assert set(words) <= set(re.findall(r"\w+", shown))


def test_code_and_signs_stay_as_they_are() -> None:
    page = manual_from_markdown("# A\n\n```sh\na < b\n\n# no heading\n```\n\n- `a*b*` and *c*\n")
    assert "<pre>a &lt; b\n\n# no heading\n</pre>" in page
    assert "<li><code>a*b*</code> and <i>c</i></li>" in page
