"""Which shape keys are recognised as which face shapes."""

import pytest

from blender_addon.bridge.shape_keys import (
    ARKIT_NAMES,
    FAMILIES,
    KeyWeight,
    arkit_shape,
    driving_table,
    expression_keys,
    recognise,
)
from blender_addon.bridge.vocabulary import SHAPE_NAMES
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES


def test_the_52_of_arkit_are_known_by_their_own_names() -> None:
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 52
    assert {arkit_shape(name) for name in ARKIT_NAMES} == set(ARKIT_NAMES)
    assert set(SHAPE_NAMES) == set(ARKIT_SHAPES) == {*ARKIT_NAMES} - {"tongueOut"}


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


def test_arkits_own_names_come_before_what_is_alike() -> None:
    rows = recognise(["Fcl_MTH_A", "jawOpen", "Fcl_EYE_Close", "eyeBlink_L", "Fcl_EYE_Close_R"])
    assert [(row.shape, row.key) for row in rows] == [
        ("eyeBlinkLeft", "eyeBlink_L"),
        ("eyeBlinkRight", "Fcl_EYE_Close_R"),
        ("jawOpen", "jawOpen"),
    ]


def test_a_key_of_both_sides_makes_both_and_halves_make_one() -> None:
    rows = recognise(["mouthSmile", "Brow_Raise_Inner_L", "Brow_Raise_Inner_R"])
    assert [(row.shape, row.key, row.weight) for row in rows] == [
        ("browInnerUp", "Brow_Raise_Inner_L", 1.0),
        ("browInnerUp", "Brow_Raise_Inner_R", 1.0),
        ("mouthSmileLeft", "mouthSmile", 1.0),
        ("mouthSmileRight", "mouthSmile", 1.0),
    ]


def test_nothing_is_made_up() -> None:
    assert recognise(["Fat", "Key 1", "Long Nose", "Joy", "tongueOut"]) == []


def test_a_neutral_face_keeps_what_shapes_the_character() -> None:
    keys = ["eyeBlink_L", "Fcl_MTH_A"]
    assert expression_keys(["Fat", *keys, "Nose_Long"]) == keys
    row = KeyWeight(shape="cheekPuff", key="Backen", weight=1.0)
    assert expression_keys(["Fat", "Backen"], [row]) == ["Backen"]


def test_every_name_of_every_maker_means_a_shape() -> None:
    for maker, names in FAMILIES.items():
        for pattern in names:
            for side in ("Left", "Right"):
                shape = arkit_shape(pattern.format(S=side[0], side=side))
                sided = {shape, f"{shape}{side}"} & set(ARKIT_NAMES)
                assert sided, f"{pattern} of {maker} means {shape}"


def test_every_key_has_a_line_in_the_table_of_what_drives() -> None:
    names = ["jawOpen", "eye_blink", "h_expressions.Lsquint_h", "h_expressions.S_h", "S", "Fat"]
    rows = [(row.key, row.shape, row.weight) for row in driving_table(names)]
    assert rows == [
        ("jawOpen", "jawOpen", 1.0),
        *(("eye_blink", f"eyeBlink{side}", 1.0) for side in ("Left", "Right")),
        ("h_expressions.Lsquint_h", "eyeSquintLeft", 1.0),
        *(("h_expressions.S_h", f"mouthStretch{side}", 0.3) for side in ("Left", "Right")),
        ("S", "", 0.0),
        ("Fat", "", 0.0),
    ]


def test_a_shape_is_made_once_where_keys_have_the_names_of_two_makers() -> None:
    """VALID's heads have a MouthOpen, too, as Ready Player Me calls the jaw: both would open it
    twice as far.
    """
    names = [f"h_expressions.{name}_h" for name in ("Kiss", "MouthOpen", "AE_AA", "Lsad", "Rsad")]
    made = [(row.shape, row.key.partition(".")[2]) for row in recognise(names)]
    assert made == [
        ("browInnerUp", "Lsad_h"),
        ("browInnerUp", "Rsad_h"),
        ("mouthPucker", "Kiss_h"),
        ("jawOpen", "AE_AA_h"),
    ]
    assert [row.key for row in recognise(["eyesClosed", "mouthOpen"])][-1] == "mouthOpen"
