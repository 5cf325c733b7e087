"""The documented lines build the add-on in an environment that has nothing yet.

It fetches Blender's Python module and the wheels: half a gigabyte.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


def documented_lines() -> list[list[str]]:
    """The block of the page that ends with the build."""
    page = (ROOT / "docs/blender.md").read_text(encoding="utf-8")
    block = page.partition("python -m blender_addon.build")
    before = block[0].rpartition("```sh")[2]
    lines = f"{before}{block[1]}{block[2].partition(chr(10))[0]}".splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


@pytest.mark.skipif(sys.version_info[:2] not in ((3, 11), (3, 13)), reason="bpy has no wheel")
def test_the_documented_lines_build_the_zip_from_nothing(tmp_path: Path) -> None:
    fresh = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    clone = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    lines = documented_lines()
    assert [line[0] for line in lines] == ["pip", "python"]
    for program, *words in lines:
        command = [str(fresh / "bin" / program), *words]
        run = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
    (built,) = (tmp_path / "clone" / "dist").glob("*.zip")
    names = zipfile.ZipFile(built).namelist()
    assert "blender_manifest.toml" in names
    for tag in ("cp311", "cp313"):
        assert any(name.startswith("wheels/onnxruntime-") and tag in name for name in names), names
