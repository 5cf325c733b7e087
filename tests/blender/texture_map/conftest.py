"""A head that wears its texture map, in a file of its own."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ...textures.conftest import FINE_PX, MadeHead, make_head, sample_face, write_obj


@pytest.fixture(scope="session")
def made_head() -> MadeHead:
    return make_head(sample_face(ExpressionTransfer()), FINE_PX)


@pytest.fixture
def has_textures(reggan_python: Path) -> None:
    """Skips where the workers' environment cannot change texture maps."""
    check = [str(reggan_python), "-c", "import embreex, trimesh"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip(f"{reggan_python} has no [textures]")


@pytest.fixture
def map_file(made_head: MadeHead, tmp_path: Path) -> Path:
    path = tmp_path / "Gesicht ß.png"
    Image.fromarray(made_head.picture).save(path)
    return path


@pytest.fixture
def head(made_head: MadeHead, map_file: Path) -> Any:
    """The made head as an object that looks along -Y, wearing its map by its second UV map."""
    import bpy

    from .worn_head import object_of

    return object_of(made_head, bpy.data.images.load(str(map_file)))


@pytest.fixture
def by_hand(
    made_head: MadeHead, map_file: Path, reggan_python: Path, tmp_path: Path
) -> Callable[..., np.ndarray]:
    """What `reggan-plugin texture` makes of the head as an OBJ file, which knows no Blender."""

    def run(expression: str) -> np.ndarray:
        write_obj(tmp_path / "head.obj", made_head)
        out = tmp_path / "by_hand.png"
        command = [str(reggan_python), "-m", "reggan_plugin", "texture", "--overwrite"]
        command += ["--mesh", str(tmp_path / "head.obj"), "--texture", str(map_file)]
        subprocess.run([*command, "--expression", expression, "--out", str(out)], check=True)
        return np.asarray(Image.open(out)).astype(int)

    return run
