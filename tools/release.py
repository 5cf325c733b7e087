"""Make everything that a release has, by one command, into one folder.

    python tools/release.py                  all of it; needs bpy or --blender PATH, and the network
    python tools/release.py wheel docs sums  these parts alone

Parts, in this order: `wheel` (and source archive), `zips` (Blender extensions of three systems),
`nodes` (a zip for ComfyUI's `custom_nodes`), `page` (the page in the browser alone, in a zip; npm
fetches onnxruntime-web), `docs` (HTML in a zip, with that page in its `try/`), `weights`, `bill`
(CycloneDX and licences), `sums` (SHA-256 of all files).
The tools are those of requirements/release.txt.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "version"
]
PLATFORMS = ("linux-x64", "windows-x64", "macos-arm64")
SUMS = "SHA256SUMS"
_NODES_LOADER = '''\
"""Loads the nodes of reggan-plugin, which lie beside this file, into ComfyUI."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # a package that is installed comes first
from reggan_plugin.comfyui.pack import *
'''


class ReleaseError(Exception):
    """A part of a release that could not be made."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the parts that are asked for; 1 if one cannot be made."""
    options = _options(arguments)
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        for name in options.parts or PARTS:
            print(f"--- {name}", flush=True)
            PARTS[name](out, options.blender)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return 0


def make_wheel(out: Path, _blender: Path | None) -> None:
    """Wheel and source archive."""
    _python("-m", "hatchling", "build", "-d", str(out))


def make_zips(out: Path, blender: Path | None) -> None:
    """Make the Blender extension for each system."""
    builder = [] if blender is None else ["--blender", str(blender)]
    for platform in PLATFORMS:
        _python("-m", "blender_addon.build", "--platform", platform, "--out", str(out), *builder)


def make_nodes(out: Path, _blender: Path | None) -> None:
    """Make the zip that ComfyUI-Manager unpacks: a loader, the package, what else it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        nodes = Path(folder, "reggan-plugin")
        left_out = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(ROOT / "reggan_plugin", nodes / "reggan_plugin", ignore=left_out)
        _python("hatch_build.py", str(nodes / "reggan_plugin/kernels/compiled"))
        (nodes / "__init__.py").write_text(_NODES_LOADER, encoding="utf-8")
        needed = "".join(f"{one}\n" for one in project["project"]["dependencies"])
        (nodes / "requirements.txt").write_text(needed, encoding="utf-8")
        for name in ("pyproject.toml", "LICENSE", "THIRD_PARTY_NOTICES.md"):
            shutil.copy(ROOT / name, nodes)
        name = str(out / f"reggan_plugin-{VERSION}-comfyui")
        shutil.make_archive(name, "zip", folder, "reggan-plugin")


def make_page(out: Path, _blender: Path | None) -> None:
    """Make the page in the browser alone, for any file server."""
    with tempfile.TemporaryDirectory() as folder:
        _python("browser/assemble.py", "--out", folder)
        shutil.make_archive(str(out / f"reggan_plugin-{VERSION}-page"), "zip", folder)


def make_docs(out: Path, _blender: Path | None) -> None:
    """Make the documentation as HTML; a link to nowhere is an error. A page that was made lies in
    its `try/`.
    """
    with tempfile.TemporaryDirectory() as folder:
        pages, state = Path(folder, "pages"), Path(folder, "state")
        build = ["-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(state)]
        _python(*build, str(ROOT / "docs"), str(pages))
        page = out / f"reggan_plugin-{VERSION}-page.zip"
        if page.exists():
            shutil.unpack_archive(page, pages / "try")
        shutil.make_archive(str(out / f"reggan_plugin-{VERSION}-docs"), "zip", pages)


def add_weights(out: Path, _blender: Path | None) -> None:
    """Add the models by themselves, for those who run them without Python."""
    for model in sorted((ROOT / "reggan_plugin" / "weights").glob("*.onnx")):
        shutil.copy(model, out)


def write_bill(out: Path, _blender: Path | None) -> None:
    """Write what the wheel brings along when it is installed today: CycloneDX, and licences.

    Not locked, on purpose: these are the packages that a user gets on this day.
    """
    wheels = sorted(out.glob(f"reggan_plugin-{VERSION}-*.whl"))
    if len(wheels) != 1:
        raise ReleaseError(
            f"{out} has {len(wheels)} wheels of version {VERSION}, expected one. "
            "Make it first: python tools/release.py wheel"
        )
    with tempfile.TemporaryDirectory() as folder:
        python = _new_environment(Path(folder) / "installed")
        _run(python, "-m", "pip", "install", "-q", f"{wheels[0]}[textures]")
        bill = ["-m", "cyclonedx_py", "environment", str(python), "--output-reproducible"]
        project = ["--pyproject", str(ROOT / "pyproject.toml")]
        _python(*bill, *project, "-o", str(out / "sbom.cdx.json"))
        _run(python, "-m", "pip", "install", "-q", "packaging", "pip-licenses")
        listed = _run(python, str(ROOT / "tests" / "licences.py"), "textures")
        (out / "licences.txt").write_text(listed, encoding="utf-8")
    tools = str(ROOT / "requirements" / "release.txt")
    bill = ["-m", "cyclonedx_py", "requirements", tools, "--output-reproducible"]
    _python(*bill, "-o", str(out / "sbom-tools.cdx.json"))


def write_sums(out: Path, _blender: Path | None) -> None:
    """One line a file, as `sha256sum --check SHA256SUMS` reads them."""
    files = sorted(path for path in out.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (out / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


PARTS: Mapping[str, Callable[[Path, Path | None], None]] = {
    "wheel": make_wheel,
    "zips": make_zips,
    "nodes": make_nodes,
    "page": make_page,
    "docs": make_docs,
    "weights": add_weights,
    "bill": write_bill,
    "sums": write_sums,
}


def _new_environment(folder: Path) -> Path:
    """Return the Python of a new environment with nothing but pip."""
    _python("-m", "venv", str(folder))
    windows, others = folder / "Scripts" / "python.exe", folder / "bin" / "python"
    return windows if windows.exists() else others


def _python(*words: str) -> None:
    print(_run(Path(sys.executable), *words), end="", flush=True)


def _run(python: Path, *words: str) -> str:
    run = subprocess.run([str(python), *words], cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        output = f"{run.stdout}{run.stderr}".rstrip()
        raise ReleaseError(f"{python.name} {' '.join(words)} failed:\n{output}")
    return run.stdout


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tools/release.py")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="these alone; else all")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder; dist")
    parser.add_argument("--blender", type=Path, help="a full Blender, where there is no bpy")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
