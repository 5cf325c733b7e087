"""The wheels in the extension: the runtime's and its dependencies', unmodified.

Taken from the package index for another system and Python than the ones that this runs on; so
pip's choice, which follows this system's markers, is walked again with the target's.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

EXTRA = "textures"
_GLIBCS = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")  # 2.28: what Blender itself needs


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
NUMPY_OF_PYTHON = {"3.11": "numpy>=1.26,<2", "3.13": "numpy>=2.2,<3"}
"""The numpy that Blender brings along for each of its Pythons; the wheels have to fit it."""
_NEVER = ("nvidia", "tensorrt", "onnxruntime-gpu", "onnxruntime-ep-nv", "torch", "bpy")
"""What licences or sizes forbid, by the beginning of its name."""


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
