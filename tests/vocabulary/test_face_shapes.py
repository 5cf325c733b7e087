"""Names that files give to face shapes, and the ARKit shape that each means."""

import pytest

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, shape_from_name


@pytest.mark.parametrize("name", ARKIT_SHAPES)
def test_every_spelling_of_a_shape_means_that_shape(name: str) -> None:
    """Case, separators, prefixes and letters for sides do not change what a name means."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    short = name.removesuffix("Left").removesuffix("Right")
    spellings = [name, name.lower(), name.upper(), snake, f"blendShape1.{name}", f"BS_{snake}"]
    if short != name:
        letter = name.removeprefix(short)[0]
        spellings += [f"{short}_{letter}", f"{short}.{letter}", f"{short}{letter}"]
        spellings += [f"{letter}_{short}", f"{short}_{letter}".lower()]
    assert {text: shape_from_name(text) for text in spellings} == dict.fromkeys(spellings, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Face.M_F00_000_00_EyeBlinkLeft", "eyeBlinkLeft"),
        ("ARBlendShapeLocationJawOpen", "jawOpen"),
        ("A02_Brow_Down_Left", "browDownLeft"),
        ("browInnerUp_L", "browInnerUp"),
        ("cheekPuff_R", "cheekPuff"),
        ("mouthLeft", "mouthLeft"),
        ("jaw_R", "jawRight"),
        ("head_geo|mouthRollLower", "mouthRollLower"),
    ],
)
def test_names_as_tools_write_them(text: str, name: str) -> None:
    """Unity, Maya, Character Creator, ICT FaceKit and Blender each have their way."""
    assert shape_from_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fcl_MTH_A",
        "tongueOut",
        "smile",
        "jawOpen_mouthClose",
        "browOuter",
        "0",
        "left",
        "rejawopen",
    ],
)
def test_other_names_mean_no_shape(text: str) -> None:
    """Correctives of two shapes, shapes beyond the 51 and other words are not guessed at."""
    assert shape_from_name(text) is None
