"""Build the Blender extension for one system: its code and the wheels that it runs.

    python -m blender_addon.build --platform linux-x64 --python 3.11 --python 3.13 --out dist/

Blender's own extension builder writes and validates the zip file. It comes with the `bpy` package
of this Python, or with a full Blender named by `--blender`.

Taken from the package index for another system and Python than the ones that this runs on; so
pip's choice, which follows this system's markers, is walked again with the target's.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from blender_addon.build_manual import manual_from_markdown

EXTRA = "textures"
_GLIBCS = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")  # 2.28: what Blender itself needs

NUMPY_OF_PYTHON = {"3.11": "numpy>=1.26,<2", "3.13": "numpy>=2.2,<3"}
"""The numpy that Blender brings along for each of its Pythons; the wheels have to fit it."""
_NEVER = ("nvidia", "tensorrt", "onnxruntime-gpu", "onnxruntime-ep-nv", "torch", "bpy")
"""What licences or sizes forbid, by the beginning of its name."""
ADDON = Path(__file__).resolve().parent
PYTHONS_OF_BLENDER = ("3.11", "3.13")
"""Of 4.2 to 5.0, and of 5.1 and later. Debian's own builds have the system's."""
LARGEST_MB = 200


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A system that Blender runs on."""

    tags: tuple[str, ...]
    """Of the wheels that it takes."""
    markers: Mapping[str, str]
    """What Python says of itself there, where dependencies ask for it."""


PLATFORMS: Mapping[str, Platform] = {
    "linux-x64": Platform(
        tags=("manylinux2014_x86_64", *(f"manylinux_{glibc}_x86_64" for glibc in _GLIBCS)),
        markers={
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": "x86_64",
            "os_name": "posix",
        },
    ),
    "windows-x64": Platform(
        tags=("win_amd64",),
        markers={
            "sys_platform": "win32",
            "platform_system": "Windows",
            "platform_machine": "AMD64",
            "os_name": "nt",
        },
    ),
    "macos-arm64": Platform(
        tags=("macosx_14_0_arm64",),  # pip takes those for older systems too
        markers={
            "sys_platform": "darwin",
            "platform_system": "Darwin",
            "platform_machine": "arm64",
            "os_name": "posix",
        },
    ),
}
"""By Blender's names."""


class WheelError(Exception):
    """Wheels that the index does not have, or that must not travel with the extension."""


def collect_wheels(
    own_wheel: Path, platform: str, pythons: Iterable[str], folder: Path
) -> tuple[Path, ...]:
    """Download what `own_wheel[textures]` needs on this platform under all of these Pythons.

    Wheels without compiled code serve every Python, as Blender unpacks the newest of a name.

    Raises:
        WheelError: the index has no fitting wheels, or some that must not be bundled.
    """
    chosen: dict[str, Path] = {}
    pure: list[str] = []
    for python in pythons:
        place = folder / f"{platform}-{python}"
        _download(own_wheel, platform, python, (*pure, NUMPY_OF_PYTHON.get(python, "numpy")), place)
        for path in needed_wheels(place, own_wheel, PLATFORMS[platform], python):
            chosen[path.name] = path
            name, version, _, tags = parse_wheel_filename(path.name)
            if all(tag.platform == "any" for tag in tags) and path.name != own_wheel.name:
                pure.append(f"{name}=={version}")
    return tuple(chosen[name] for name in sorted(chosen))


def needed_wheels(
    folder: Path, own_wheel: Path, platform: Platform, python: str
) -> tuple[Path, ...]:
    """Those in `folder` that the runtime reaches through its dependencies there; never numpy.

    Raises:
        WheelError: one is missing, or must not be bundled.
    """
    by_name = {parse_wheel_filename(path.name)[0]: path for path in folder.glob("*.whl")}
    markers = {**platform.markers, "python_version": python, "python_full_version": f"{python}.0"}
    reached: dict[str, Path] = {}
    waiting = [(canonicalize_name(own_wheel.name.split("-")[0]), EXTRA)]
    while waiting:
        name, extra = waiting.pop()
        if name in reached or name == "numpy":
            continue
        if name.startswith(_NEVER):
            raise WheelError(f"{name} must not be bundled. Take it out of the dependencies.")
        if name not in by_name:
            raise WheelError(f"{name} has no wheel in {folder}. Add it to what is downloaded.")
        reached[name] = by_name[name]
        waiting += [
            (canonicalize_name(requirement.name), " ".join(requirement.extras))
            for requirement in requirements_of(by_name[name])
            if requirement.marker is None
            or requirement.marker.evaluate({**markers, "extra": extra})
        ]
    return tuple(reached.values())


def requirements_of(wheel: Path) -> tuple[Requirement, ...]:
    """Return requirements in a wheel's metadata."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"))
    return tuple(Requirement(line) for line in metadata.get_all("Requires-Dist", ()))


def _download(
    own_wheel: Path, platform: str, python: str, constraints: Iterable[str], folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    constraint_file = folder / "constraints.txt"
    constraint_file.write_text("\n".join(constraints), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += ["--dest", str(folder), "--constraint", str(constraint_file)]
    command += ["--python-version", python, "--implementation", "cp"]
    command += [part for tag in PLATFORMS[platform].tags for part in ("--platform", tag)]
    run = subprocess.run([*command, f"{own_wheel}[{EXTRA}]"], capture_output=True, text=True)
    if run.returncode:
        raise WheelError(
            f"The package index has no fitting wheels for {platform}, Python {python}:\n"
            f"{run.stderr.strip()}\nLeave this Python out, or ask again later."
        )


class BuildError(Exception):
    """An extension that could not be built."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, validate, print path and size; 1 where that fails."""
    options = _options(arguments)
    try:
        builder = find_builder(options.blender)
        with tempfile.TemporaryDirectory() as folder:
            built = build(
                builder, options.platform, options.python or PYTHONS_OF_BLENDER, Path(folder)
            )
            options.out.mkdir(parents=True, exist_ok=True)
            kept = Path(shutil.move(built, options.out / built.name))
    except (BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{kept} {size_mb(kept):.1f} MB")
    return 0


def find_builder(blender: Path | None) -> tuple[str, ...]:
    """Return the command that builds and validates extensions.

    Raises:
        BuildError: there is none.
    """
    if blender is not None:
        if not blender.is_file():
            raise BuildError(f"{blender} is no file. Name Blender's executable: --blender PATH.")
        return str(blender), "--command", "extension"
    package = find_spec("bpy")
    root = Path(package.origin).parent if package and package.origin else None
    for script in root.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py") if root else ():
        return sys.executable, str(script)
    raise BuildError(
        "Blender's extension builder was not found: this Python has no bpy package. Install it "
        "(pip install bpy, with Python 3.11 or 3.13), or name a full Blender: --blender PATH."
    )


def build(builder: Sequence[str], platform: str, pythons: Sequence[str], folder: Path) -> Path:
    """Return the validated zip file, in `folder`.

    Raises:
        BuildError: the builder refuses it, or it is too large.
        WheelError: a wheel is missing.
    """
    wheels = collect_wheels(build_own_wheel(folder), platform, pythons, folder / "downloads")
    source = folder / "reggan"
    shutil.copytree(ADDON, source, ignore=shutil.ignore_patterns("__pycache__"))
    page = (ADDON.parent / "docs" / "blender.md").read_text(encoding="utf-8")
    (source / "manual.html").write_text(manual_from_markdown(page), encoding="utf-8")
    (source / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, source / "wheels")
    manifest = source / "blender_manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        manifest_with_wheels(text, platform, [wheel.name for wheel in wheels]), encoding="utf-8"
    )
    version = tomllib.loads(text)["version"]
    suffix = "-".join("cp" + python.replace(".", "") for python in pythons)
    out = folder / f"reggan-{version}-{platform}-{suffix}.zip"
    _run([*builder, "build", "--source-dir", str(source), "--output-filepath", str(out)])
    _run([*builder, "validate", str(out)])
    if size_mb(out) > LARGEST_MB:
        raise BuildError(
            f"{out.name} is {size_mb(out):.0f} MB, more than {LARGEST_MB} MB. Build it for fewer "
            "Pythons: --python 3.11."
        )
    return out


def build_own_wheel(folder: Path) -> Path:
    """Return the wheel of this repository.

    Raises:
        BuildError: hatchling or ziglang is not installed, or building fails.
    """
    if find_spec("hatchling") is None or find_spec("ziglang") is None:
        raise BuildError(
            "hatchling and ziglang, which build this project's wheel, are not both installed here. "
            "Install them: pip install hatchling packaging ziglang."
        )
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    return next(folder.glob("*.whl"))


def manifest_with_wheels(text: str, platform: str, wheels: Sequence[str]) -> str:
    """Return the manifest for one platform: its name and its wheels, before the first table."""
    head, table, rest = text.partition("\n[permissions]")
    if not table:
        raise BuildError("blender_manifest.toml has no [permissions] table, before which to add.")
    paths = [f"./wheels/{name}" for name in wheels]
    added = f"platforms = {json.dumps([platform])}\nwheels = {json.dumps(paths, indent=2)}\n"
    return head + "\n" + added + table + rest


def size_mb(path: Path) -> float:
    """In millions of bytes."""
    return path.stat().st_size / 1e6


def _run(command: Sequence[str]) -> None:
    run = subprocess.run(command, cwd=ADDON.parent, capture_output=True, text=True)
    if run.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}".rstrip())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m blender_addon.build",
        description="Build the Blender extension for one system.",
    )
    parser.add_argument("--platform", choices=sorted(PLATFORMS), required=True)
    parser.add_argument(
        "--python",
        action="append",
        metavar="X.Y",
        help="a Python whose wheels to bundle; may be given several times (default: 3.11 and 3.13)",
    )
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR")
    parser.add_argument("--blender", type=Path, metavar="FILE", help="a full Blender to build with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
