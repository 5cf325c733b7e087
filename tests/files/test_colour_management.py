"""Frames in a declared colour space: ACES in and out, close names, and what is missing."""

import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.errors import MissingExtraError, SourceError, UsageError
from reggan_plugin.files import colour_management
from reggan_plugin.files.colour_management import colour_space_from_name
from reggan_plugin.files.frame import Encoding, Reading
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import ColourSpace, PixelCoding

AP1_FROM_REC709 = np.array(
    [
        [0.61309741, 0.33952314, 0.04737945],
        [0.07019372, 0.91635388, 0.01345240],
        [0.02061559, 0.10956977, 0.86981463],
    ]
)
"""Rec. 709 with D65 to ACEScg, Bradford-adapted. Source: ACES, library of output transforms."""

CONFIG = """ocio_profile_version: 2
search_path: ""
strictparsing: true
roles:
  default: show
{roles}
colorspaces:
  - !<ColorSpace>
    name: show
    encoding: scene-linear
  - !<ColorSpace>
    name: aces
    encoding: scene-linear
    from_scene_reference: !<MatrixTransform> {{matrix: {matrix}}}
"""


def config(role: str) -> str:
    matrix = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    return CONFIG.format(roles=f"  {role}", matrix=matrix)


@pytest.fixture(autouse=True)
def ocio(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PyOpenColorIO")
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def pixels() -> np.ndarray:
    """With colours out of Rec. 709's range, above white, and not finite."""
    values = np.random.default_rng(3).uniform(-0.2, 4.0, (20, 30, 3)).astype(np.float32)
    values[0, 0] = [np.nan, 1, 1]
    values[0, 1] = [np.inf, 1, 1]
    return values


def test_acescg_is_the_matrix_of_its_primaries(pixels: np.ndarray) -> None:
    space = colour_space_from_name("ACEScg")
    assert isinstance(space, ColourSpace)
    assert space.is_scene_referred
    finite = pixels[1:]
    own = (finite @ AP1_FROM_REC709.T).astype(np.float32)
    assert np.allclose(space.linear_from_own(own), finite, atol=2e-5)
    assert np.allclose(space.own_from_linear(finite), own, atol=2e-5)
    strange = space.linear_from_own(pixels)[0, :2]
    assert not np.isfinite(strange).all(axis=1).any()


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("ACEScg", 1e-6), ("ACES2065-1", 1e-6), ("ACEScct", 5e-4), ("sRGB - Texture", 2e-6),
     ("sRGB - Display", 2e-6), ("scene_linear", 1e-6), ("lin_rec2020", 1e-6)],
)  # fmt: skip
def test_every_kind_of_space_comes_back(pixels: np.ndarray, name: str, tolerance: float) -> None:
    """Up to float32 rounding; a logarithm makes of it half a step of 10 bits where colours are
    saturated."""
    space = colour_space_from_name(name)
    own = np.clip(pixels[1:] / 4, 0.05, 1.0)
    before = own.copy()
    back = space.own_from_linear(space.linear_from_own(own))
    assert np.abs(back - own).max() <= tolerance
    assert np.array_equal(own, before)


def test_a_display_image_is_the_same_from_any_space() -> None:
    """One picture, stored in three spaces, premultiplied or not, is seen alike."""
    linear = np.random.default_rng(4).uniform(0.0, 2.0, (9, 11, 3)).astype(np.float32)
    alpha = np.random.default_rng(5).uniform(0.2, 1.0, (9, 11)).astype(np.float32)
    plain = PixelCoding(is_linear=True, is_premultiplied=True, exposure_ev=-1.0)
    expected = colour.display_from_stored(linear * alpha[..., None], alpha, plain)
    for name in ("ACEScg", "ACEScct", "Linear Rec.709 (sRGB)"):
        space = colour_space_from_name(name)
        coding = PixelCoding(
            is_linear=True, is_premultiplied=True, exposure_ev=-1.0, colour_space=space
        )
        stored = space.own_from_linear(linear) * alpha[..., None]
        display = colour.display_from_stored(stored, alpha, coding)
        assert np.allclose(display, expected, atol=2e-4), name
        assert np.allclose(colour.stored_from_display(display, alpha, coding), stored, atol=2e-5)


def test_srgb_declared_is_srgb_assumed() -> None:
    encoded = np.linspace(0, 1, 300, dtype=np.float32).reshape(10, 10, 3)
    coding = PixelCoding(colour_space=colour_space_from_name("sRGB - Texture"))
    assert np.allclose(colour.display_from_stored(encoded, None, coding), encoded, atol=1e-5)


def test_frames_carry_their_space(tmp_path: Path) -> None:
    png, exr = tmp_path / "in.png", tmp_path / "in.exr"
    Image.new("RGB", (4, 3), (128, 64, 32)).save(png)
    OpenEXR.File({}, {"RGB": np.ones((3, 4, 3), np.float16)}).write(str(exr))
    for path in (png, exr):
        for name, encoding in (
            ("ACEScct", Encoding.SCENE_LINEAR),
            ("ACEScg", Encoding.SCENE_LINEAR),
            ("sRGB - Texture", Encoding.SRGB),
            ("Rec.1886 Rec.709 - Display", Encoding.SRGB),
        ):
            reading = Reading(colour_space=colour_space_from_name(name))
            frame = reading.decode(path.read_bytes(), path)
            assert frame.encoding is encoding, name
            assert frame.colour_space == reading.colour_space
    assert Reading().decode(exr.read_bytes(), exr).colour_space is None


@pytest.mark.parametrize(
    ("name", "close"),
    [("acesCGG", "ACEScg"), ("srgb texture", "srgb_texture"), ("Linear Rec709", "lin_rec709")],
)
def test_an_unknown_space_is_said_with_those_close_to_it(name: str, close: str) -> None:
    with pytest.raises(UsageError, match=rf"no colour space '{name}'.*close to it: .*{close}"):
        colour_space_from_name(name)


def test_nothing_close_lists_all_and_data_is_no_colour() -> None:
    with pytest.raises(UsageError, match=r"'zzzz'.*it has: .*ACEScg.*set OCIO"):
        colour_space_from_name("zzzz")
    with pytest.raises(UsageError, match=r"Raw holds data.*such as ACEScg"):
        colour_space_from_name("Raw")


def test_the_config_of_the_show_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.ocio"
    path.write_text(config("aces_interchange: aces"))
    monkeypatch.setenv("OCIO", str(path))
    space = colour_space_from_name("show")
    assert space.is_scene_referred
    assert space.fingerprint != colour_space_from_name("aces").fingerprint
    grey = np.full((1, 1, 3), 0.18, np.float32)
    assert np.allclose(space.linear_from_own(grey), 0.36, atol=1e-6)
    with pytest.raises(UsageError, match=r"config\.ocio; close to it: aces\."):
        colour_space_from_name("ACEScg")


def test_a_config_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.ocio"
    monkeypatch.setenv("OCIO", str(path))
    with pytest.raises(SourceError, match=r"config\.ocio \(from \$OCIO\) cannot be read.*unset"):
        colour_space_from_name("ACEScg")
    path.write_bytes(b"ocio_profile_version: \x9f\n")
    with pytest.raises(SourceError, match=r"config\.ocio \(from \$OCIO\) cannot be read.*unset"):
        colour_space_from_name("ACEScg")
    path = tmp_path / "lonely.ocio"
    path.write_text(config("data: show"))
    monkeypatch.setenv("OCIO", str(path))
    with pytest.raises(SourceError, match=r"no way from show.*aces_interchange, or unset OCIO"):
        colour_space_from_name("show")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("is_archive", [False, True])
def test_a_config_that_names_a_pipe_is_refused_before_it_is_read(
    is_archive: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "table")
    path = tmp_path / ("config.ocioz" if is_archive else "config.ocio")
    nested = f"!<GroupTransform> {{children: [!<FileTransform> {{src: {tmp_path / 'table'}}}]}}"
    text = config("aces_interchange: aces")
    text += f"  - !<ColorSpace>\n    name: odd\n    to_scene_reference: {nested}\n"
    if is_archive:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.ocio", text)
    else:
        path.write_text(text)
    monkeypatch.setenv("OCIO", str(path))
    with pytest.raises(SourceError, match=r"config\.ocioz? names .*table, which is no file"):
        colour_space_from_name("show")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_config_that_is_a_pipe_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "config.ocio")
    monkeypatch.setenv("OCIO", str(tmp_path / "config.ocio"))
    with pytest.raises(SourceError, match=r"config\.ocio .* is no ordinary file"):
        colour_space_from_name("show")


def test_tables_of_an_archive_lie_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quarter.spi1d").write_text(
        "Version 1\nFrom 0 1\nLength 2\nComponents 1\n{\n0\n0.25\n}\n"
    )
    text = config("aces_interchange: aces").replace('search_path: ""', "search_path: .")
    table = "!<FileTransform> {src: quarter.spi1d, interpolation: linear}"
    text += f"  - !<ColorSpace>\n    name: odd\n    to_scene_reference: {table}\n"
    (tmp_path / "config.ocio").write_text(text)
    archive = tmp_path / "show.ocioz"
    with zipfile.ZipFile(archive, "w") as writing:
        for name in ("config.ocio", "quarter.spi1d"):
            writing.write(tmp_path / name, name)
    monkeypatch.setenv("OCIO", str(archive))
    grey = np.full((1, 1, 3), 0.4, np.float32)
    assert np.allclose(colour_space_from_name("odd").linear_from_own(grey), 0.2, atol=1e-5)
    monkeypatch.setattr(colour_management, "MOST_TABLE_BYTES", 8)
    colour_management._processors.cache_clear()
    with pytest.raises(SourceError, match=r"show\.ocioz names .*, which is no file"):
        colour_space_from_name("odd")


@pytest.mark.parametrize(
    ("table", "fault"),
    [("gone", "has no way from odd.* Mend the space"), ("black", "does not keep greys: 0.05")],
)
def test_a_space_of_a_useless_table_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, fault: str
) -> None:
    (tmp_path / "black.spi1d").write_text(
        "Version 1\nFrom 0 1\nLength 2\nComponents 1\n{\n0\n0\n}\n"
    )
    path = tmp_path / "config.ocio"
    text = config("aces_interchange: aces").replace('search_path: ""', "search_path: .")
    file = f"!<FileTransform> {{src: {table}.spi1d}}"
    path.write_text(f"{text}  - !<ColorSpace>\n    name: odd\n    to_scene_reference: {file}\n")
    monkeypatch.setenv("OCIO", str(path))
    with pytest.raises(SourceError, match=fault):
        colour_space_from_name("odd")


@pytest.mark.parametrize(
    "transform",
    ["!<ExponentTransform> {value: [0, 0, 0, 1]}", "!<ColorSpaceTransform> {src: odd, dst: show}"],
)
def test_a_space_without_a_way_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: str
) -> None:
    path = tmp_path / "config.ocio"
    text = config("aces_interchange: aces")
    path.write_text(
        f"{text}  - !<ColorSpace>\n    name: odd\n    to_scene_reference: {transform}\n"
    )
    monkeypatch.setenv("OCIO", str(path))
    with pytest.raises(SourceError, match="has no way from odd to linear"):
        colour_space_from_name("odd")


def test_without_opencolorio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PyOpenColorIO", None)
    colour_management._config.cache_clear()
    with pytest.raises(MissingExtraError, match=r'pip install "reggan-plugin\[ocio\]"'):
        colour_space_from_name("ACEScg")


def test_opencolorio_is_loaded_only_for_a_name() -> None:
    import subprocess

    code = (
        "import sys, reggan_plugin.commands.options.picture; "
        "assert 'PyOpenColorIO' not in sys.modules and 'OpenEXR' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
