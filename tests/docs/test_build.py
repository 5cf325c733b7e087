"""A link that leads nowhere fails the build of the pages. They build in tests/test_release.py."""

import subprocess
import sys
from pathlib import Path

from .conftest import ROOT


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
