"""The mouth's geometry is what the command makes of the CC0 assets."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from reggan_plugin.rig.mouth_drawing import PARTS
from reggan_training.rig.build_mouth import main

from ...shared_data import SHARED_DATA

MAKEHUMAN = SHARED_DATA / "makehuman"
SHIPPED = Path(str(resources.files("reggan_plugin.rig") / "mouth.npz"))


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.skipif(not MAKEHUMAN.is_dir(), reason=f"{MAKEHUMAN} is not there")
def test_the_shipped_file_is_what_the_command_writes(tmp_path: Path) -> None:
    out = tmp_path / "mouth.npz"
    done = CliRunner().invoke(main, ["--makehuman", str(MAKEHUMAN), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert str(out) in done.output
    made, shipped = arrays_of(out), arrays_of(SHIPPED)
    assert made.keys() == shipped.keys()
    for name, values in shipped.items():
        # rays that graze an edge may fall either way on another processor
        leeway = 12 if name == "sky" else 1 if name == "points" else 0.01
        assert np.allclose(made[name].astype(float), values.astype(float), atol=leeway), name


def test_the_shipped_file_is_small_and_whole() -> None:
    arrays = arrays_of(SHIPPED)
    count = len(arrays["points"])
    assert SHIPPED.stat().st_size < 250_000
    assert arrays["triangles"].max() < count
    assert set(np.unique(arrays["part"])) == set(range(len(PARTS)))
    assert set(np.unique(arrays["tooth"])) == set(range(29))
    lengths = np.linalg.norm(arrays["normals"].astype(float), axis=1)
    assert np.allclose(lengths, 1, atol=0.01)
