"""The commit of the source that made something."""

import subprocess
from pathlib import Path


def commit_of_source() -> str:
    """Describe the commit of this code, `-dirty` where files were changed since."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under version control"
    return result.stdout.strip()
