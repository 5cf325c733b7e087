"""The built zip file, in a Blender that has never seen the project.

It is built for this system and Python, with the wheels of the package index, or taken from
`REGGAN_EXTENSION_ZIP`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reggan_plugin

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png"
pytestmark = [
    pytest.mark.blender,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it builds, unpacks and starts all of it
    pytest.mark.skipif(sys.platform != "linux", reason="builds for Linux"),
]
INSTALL = """
import json, subprocess, sys
import bpy
zip_file, frames, out = sys.argv[1:]
bpy.ops.extensions.package_install_files(
    repo="user_default", filepath=zip_file, enable_on_install=True, overwrite=True
)
module = sys.modules["bl_ext.user_default.reggan"]
runtime = module.preferences.chosen_runtime(bpy.context)
where = "import reggan_plugin, onnxruntime, embreex; print(reggan_plugin.__file__)"
doctor = bpy.ops.reggan.doctor()
settings = bpy.context.scene.reggan
settings.frames_source, settings.frames_path, settings.output_path = "SEQUENCE", frames, out
settings.expression = "happy"
rendered = bpy.ops.reggan.render_frames()
module.unregister()
module.register()
print("RESULT " + json.dumps({
    "reggan_plugin": subprocess.check_output(
        [runtime.python, "-c", where], env=dict(runtime.environment), text=True
    ).strip(),
    "doctor": bpy.context.window_manager.reggan_doctor,
    "operators": [list(doctor), list(rendered)],
    "images": [image.filepath for image in bpy.data.images],
}))
"""


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file that the documented line builds, but for the folder that it goes to."""
    pytest.importorskip("bpy")
    if named := os.environ.get("REGGAN_EXTENSION_ZIP"):
        return Path(named)
    out = tmp_path_factory.mktemp("dist")
    page = (ROOT / "docs/blender.md").read_text(encoding="utf-8")
    (line,) = [one for one in page.splitlines() if one.startswith("python -m blender_addon.build")]
    python, *words, folder = line.split()
    assert (python, folder) == ("python", "dist/")
    run = subprocess.run(
        [sys.executable, *words, str(out)], cwd=ROOT, capture_output=True, text=True
    )
    if "package index has no fitting wheels" in run.stderr:
        pytest.skip(f"no package index here: {run.stderr}")
    assert run.returncode == 0, run.stderr
    path, size_mb, unit = run.stdout.rsplit(maxsplit=2)
    assert unit == "MB"
    assert float(size_mb) < 200
    return Path(path)


def test_it_installs_and_runs_from_its_own_wheels(extension: Path, tmp_path: Path) -> None:
    out = tmp_path / "gewünschtes Ergebnis"
    script = tmp_path / "install.py"
    script.write_text(INSTALL)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user")}
    frame = SAMPLES / "avatar.1001.png"
    run = subprocess.run(
        [sys.executable, str(script), str(extension), str(frame), str(out)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "RESULT" in run.stdout, run.stdout + run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    result = json.loads(run.stdout.partition("RESULT ")[2])
    assert Path(result["reggan_plugin"]).is_relative_to(tmp_path / "user")
    assert "Works: cpu" in result["doctor"]
    assert result["operators"] == [["FINISHED"], ["FINISHED"]]
    changed = list(out.rglob("avatar.1001.png"))
    assert len(changed) == 1
    assert changed[0].read_bytes() != frame.read_bytes()
    assert any("avatar.1001.png" in path for path in result["images"])
