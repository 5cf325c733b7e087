"""Which shape keys are recognised, and that the runtime means the same by its expressions."""

import pytest

from blender_addon.bridge.shape_key_families import FAMILIES
from blender_addon.bridge.shape_keys import (
    ARKIT_NAMES,
    COMBINATIONS,
    WORDS,
    arkit_shape,
    expression_keys,
    recognise,
    whole_expression,
)
from reggan_plugin.expressions import EXPRESSION_NAMES, EXPRESSIONS
from reggan_plugin.vocabulary.action_units import WEIGHTS_FROM_ACTION_UNIT

VROID = ["Fcl_ALL_Neutral", "Fcl_ALL_Angry", "Fcl_ALL_Fun", "Fcl_ALL_Joy", "Fcl_ALL_Sorrow"]
VROID += ["Fcl_ALL_Surprised", "Fcl_MTH_Joy", "Fcl_EYE_Sorrow", "Fcl_BRW_Angry", "Fcl_HA_Fung1"]


def test_names_and_aliases_are_those_of_the_runtime() -> None:
    assert tuple(WORDS) == EXPRESSION_NAMES
    assert tuple(COMBINATIONS) == EXPRESSION_NAMES[1:]
    for expression in EXPRESSIONS:
        assert set(expression.aliases) <= set(WORDS[expression.name]), expression.name
        if expression.vrm_preset is not None:
            assert whole_expression(expression.vrm_preset) == expression.name


def test_every_expression_has_the_action_units_that_the_runtime_names() -> None:
    for expression in EXPRESSIONS[1:]:
        units = [WEIGHTS_FROM_ACTION_UNIT[str(unit)] for unit in expression.action_units]
        shapes = {next(iter(weights)).removesuffix("Left") for weights in units}
        assert shapes <= set(COMBINATIONS[expression.name]), expression.name


def test_the_52_of_arkit_and_nothing_else_make_the_combinations() -> None:
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 52
    for shapes in COMBINATIONS.values():
        for shape, weight in shapes.items():
            assert shape in ARKIT_NAMES or {f"{shape}Left", f"{shape}Right"} <= set(ARKIT_NAMES)
            assert 0 < weight <= 1
    assert {arkit_shape(name) for name in ARKIT_NAMES} == set(ARKIT_NAMES)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("eyeBlinkLeft", "eyeBlinkLeft"),
        ("EyeBlink_L", "eyeBlinkLeft"),
        ("eye_blink.R", "eyeBlinkRight"),
        ("blendShape1.mouthSmile_R", "mouthSmileRight"),
        ("ARKit.browInnerUp", "browInnerUp"),
        ("browDown", "browDown"),
        ("JawOpen", "jawOpen"),
        ("h_expressions.LeyeClose_h", "eyeBlinkLeft"),
        ("h_expressions.RsmileClose_h", "mouthSmileRight"),
        ("Kiss_h", "mouthPucker"),
        ("Ljaw_h", "jawLeft"),
        ("Brow_Raise_Outer_R", "browOuterUpRight"),
        ("Brow_Raise_Inner_L", "browInnerUp"),
        ("Mouth_Down_Lower_L", "mouthLowerDownLeft"),
        ("Eye_Blink_L", "eyeBlinkLeft"),
        ("Fcl_EYE_Close_R", "eyeBlinkRight"),
        ("Fcl_EYE_Close", "eyeBlink"),
        ("Fcl_MTH_A", "jawOpen"),
        ("eyesClosed", "eyeBlink"),
        ("mouthOpen", "jawOpen"),
        ("LeftEyeClosed", "eyeBlinkLeft"),
        ("RightMouthCornerPuller", "mouthSmileRight"),
        ("AU_12_LipCornerPuller_L", "mouthSmileLeft"),
        ("AU_04_BrowLowererRight", "browDownRight"),
        ("AU_01_InnerBrowRaiser", "browInnerUp"),
        ("AU26", "jawOpen"),
        ("Beau1", None),
        ("Fat", None),
        ("Key 1", None),
        ("", None),
        ("笑い", None),
    ],
)
def test_arkit_names_are_known_in_their_usual_spellings(name: str, shape: str | None) -> None:
    assert arkit_shape(name) == shape


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("Joy", "happy"),
        ("Fcl_ALL_Sorrow", "sad"),
        ("surprised", "surprised"),
        ("Expression.Fear", "afraid"),
        ("faceDisgust", "disgusted"),
        ("Fcl_MTH_Joy", None),
        ("mouthSmileLeft", None),
        ("eyes_happy", None),
        ("Basis", None),
    ],
)
def test_whole_faces_are_told_from_parts(name: str, expression: str | None) -> None:
    assert whole_expression(name) == expression


def test_whole_faces_come_before_combinations() -> None:
    rows = recognise([*VROID, *ARKIT_NAMES])
    keys = {row.expression: row.key for row in rows if row.weight == 1 and "Fcl" in row.key}
    assert keys == {
        "happy": "Fcl_ALL_Joy",  # likelier than Fun
        "sad": "Fcl_ALL_Sorrow",
        "angry": "Fcl_ALL_Angry",
        "surprised": "Fcl_ALL_Surprised",
    }
    afraid = {row.key: row.weight for row in rows if row.expression == "afraid"}
    assert afraid["browInnerUp"] == 1
    assert afraid["mouthStretchLeft"] == afraid["mouthStretchRight"] > 0.5
    assert list(dict.fromkeys(row.expression for row in rows)) == list(EXPRESSION_NAMES[1:])


def test_nothing_is_made_up() -> None:
    assert recognise(["Fat", "Key 1", "Long Nose"]) == []
    rows = recognise(["mouthSmile_L", "mouthSmile_R", "Fat"])
    assert {row.key for row in rows} == {"mouthSmile_L", "mouthSmile_R"}
    assert {row.expression for row in rows} == {"happy"}


def test_a_neutral_face_keeps_what_shapes_the_character() -> None:
    keys = ["eyeBlink_L", "Joy", "Fcl_MTH_A"]
    assert expression_keys(["Fat", *keys, "Nose_Long"]) == keys
    rows = recognise(["mouthSmile_L"])
    assert expression_keys(["Fat", "mouthSmile_L"], rows) == ["mouthSmile_L"]


def test_every_name_of_every_maker_means_a_shape() -> None:
    for maker, names in FAMILIES.items():
        for pattern in names:
            for side in ("Left", "Right"):
                shape = arkit_shape(pattern.format(S=side[0], side=side))
                sided = {shape, f"{shape}{side}"} & set(ARKIT_NAMES)
                assert sided, f"{pattern} of {maker} means {shape}"


def test_a_face_of_valid_has_all_expressions() -> None:
    keys = [f"h_expressions.{pattern.format(S=s)}_h" for pattern in FAMILIES["VALID"] for s in "LR"]
    rows = recognise(keys)
    assert list(dict.fromkeys(row.expression for row in rows)) == list(EXPRESSION_NAMES[1:])
