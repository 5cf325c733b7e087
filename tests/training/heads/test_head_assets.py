"""Reading the head assets, on a tiny tree that the tests write themselves."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.assets import MASK_NAMES, read_assets

OBJ = """# a square and a triangle, decimetres, y up
v 0 0 0
v 1 0 0
v 1 2 0
v 0 2 1
vt 0 0
vt 1 0
vt 1 1
vt 0 1
g body
f 1/1 2/2 3/3 4/4
g helper
f 1/1 2/2 3/3
"""
MHCLO = """# fitted to the square
name thing
obj_file {name}.obj
x_scale 0 1 1.0
y_scale 1 2 2.0
z_scale 0 3 1.0
verts 0
0 1 2 0.5 0.5 0.0 0 0 1
3
"""
WEIGHTS = {"weights": {"jaw": [[0, 0.5], [1, 3.0]], "head": [[0, 0.5], [2, 1.0]]}}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Assets in the folders of their repositories, each file as small as it can be."""
    data, base = tmp_path / "makehuman/data", tmp_path / "makehuman-assets/base"
    files = {
        data / "3dobjs/base.obj": OBJ,
        data / "targets/nose/nose-hump-incr.target": "# a morph\n2 0.1 0.2 0.3\n",
        data / "rigs/default_weights.mhw": json.dumps(WEIGHTS),
    }
    for name in ("teeth/teeth_base/teeth_base", "tongue/tongue01/tongue01"):
        files[base / f"{name}.mhclo"] = MHCLO.format(name=Path(name).name)
        files[base / f"{name}.obj"] = "v 0 0 0\nv 1 0 0\nvt 0 0\nf 1/1 2/1 2/1\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "mpfb/textures").mkdir(parents=True)
    for name in MASK_NAMES:
        Image.new("L", (4, 4), 255).save(tmp_path / f"mpfb/textures/mpfb_{name}.jpg")
    return tmp_path


def test_mesh_is_turned_to_metres_with_z_up(tree: Path) -> None:
    base = read_assets(tree).base
    np.testing.assert_allclose(base.points[3], [0.0, -0.1, 0.2])
    np.testing.assert_array_equal(base.faces, [[0, 1, 2, 3], [0, 1, 2, 2]])
    np.testing.assert_array_equal(base.points_of("helper"), [0, 1, 2])


def test_morph_moves_the_points_it_names(tree: Path) -> None:
    target = read_assets(tree).target("nose/nose-hump-incr")
    np.testing.assert_array_equal(target.rows, [2])
    np.testing.assert_allclose(target.offsets, [[0.01, -0.03, 0.02]])


def test_proxy_follows_the_body_and_grows_with_it(tree: Path) -> None:
    assets = read_assets(tree)
    body = assets.base.points
    fitted = assets.teeth.fit(body)
    np.testing.assert_allclose(fitted[0], (body[0] + body[1]) / 2 + [0, -0.1, 0])
    np.testing.assert_allclose(fitted[1], body[3])
    np.testing.assert_allclose(assets.teeth.fit(2 * body), 2 * fitted)


def test_skin_weights_are_shares(tree: Path) -> None:
    weights = read_assets(tree).skin_weights
    np.testing.assert_allclose(weights["jaw"], [0.5, 1, 0, 0])
    np.testing.assert_allclose(weights["head"], [0.5, 0, 1, 0])


def test_parts_are_found_in_a_checkout_that_nests_differently(tree: Path) -> None:
    (tree / "somewhere").mkdir()
    (tree / "makehuman").rename(tree / "somewhere/makehuman")
    assert len(read_assets(tree).base.points) == 4


@pytest.mark.parametrize(
    "lost",
    [
        "makehuman/data/3dobjs/base.obj",
        "makehuman/data/rigs/default_weights.mhw",
        "makehuman-assets/base/teeth/teeth_base/teeth_base.mhclo",
        "mpfb/textures/mpfb_lips.jpg",
    ],
)
def test_missing_file_is_named_with_where_to_get_it(tree: Path, lost: str) -> None:
    (tree / lost).unlink()
    with pytest.raises(SourceError, match=Path(lost).name) as raised:
        read_assets(tree)
    assert "makehumancommunity/makehuman" in str(raised.value)


def test_unknown_morph_names_the_remedy(tree: Path) -> None:
    with pytest.raises(SourceError, match=r"nose/none\.target.*Fetch"):
        read_assets(tree).target("nose/none")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("makehuman/data/3dobjs/base.obj", "v 0 0 zero\n"),
        ("makehuman/data/3dobjs/base.obj", "v 0 0 0\nf 1/1 1/1\n"),
        ("makehuman/data/targets/nose/nose-hump-incr.target", "2 0.1 0.2\n"),
        ("makehuman/data/rigs/default_weights.mhw", "{}"),
        ("makehuman-assets/base/teeth/teeth_base/teeth_base.mhclo", "verts 0\n3\n"),
    ],
)
def test_damaged_file_is_named_and_to_be_fetched_again(tree: Path, path: str, text: str) -> None:
    (tree / path).write_text(text)
    assets = read_assets(tree)
    with pytest.raises(SourceError, match=r"[Ff]etch .*again"):
        _ = (assets.base, assets.target("nose/nose-hump-incr"), assets.skin_weights, assets.teeth)
