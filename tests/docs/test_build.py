"""The pages build without a warning: every link and picture leads somewhere."""

import subprocess
import sys
from pathlib import Path

from .conftest import PAGES, ROOT


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(tmp_path / "d")]
    run = subprocess.run(
        [*build, str(ROOT / "docs"), str(tmp_path / "out")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    for page in PAGES[1:]:
        assert (tmp_path / "out" / page.with_suffix(".html").name).is_file()
    assert "KHR_materials_variants" in (tmp_path / "out/textures.html").read_text(encoding="utf-8")


def test_a_link_to_nowhere_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/index.md").write_text("# A\n\n[gone](gone.md) [part](#nowhere)\n")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", str(ROOT / "docs")]
    run = subprocess.run(
        [*build, str(tmp_path / "source"), str(tmp_path / "out")], capture_output=True, text=True
    )
    assert run.returncode != 0
    assert "gone.md" in run.stderr
    assert "nowhere" in run.stderr
