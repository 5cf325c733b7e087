"""What names say of hair and eyes, as rigs of many makers have them."""

import pytest

from blender_addon.bridge.head_names import eye_pair, eye_side, is_worn, jaw_among, lips_among

WORN = [
    "Hair",
    "hair_base.001",
    "LongHair",
    "N00_000_Hair_00_HAIR",
    "Wig",
    "Baseball_Cap",
    "avaturn_glasses_0",
    "Haare_lang",
    "髪",
    "Ponytail.L",
    "Wolf3D_Hair",
    "J_Sec_Hair1_01",
]


@pytest.mark.parametrize("name", WORN)
def test_what_sits_on_a_head_is_known(name: str) -> None:
    assert is_worn(name)


@pytest.mark.parametrize(
    "name", ["Body", "Wolf3D_Head", "CC_Base_Body", "Face (merged)", "Chair", "Captain", "Elbow"]
)
def test_heads_are_not_taken_for_hair(name: str) -> None:
    assert not is_worn(name)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("eye.L", "left"),
        ("DEF-eye.R", "right"),
        ("LeftEye", "left"),
        ("mixamorig:RightEye", "right"),
        ("J_Adj_L_FaceEye", "left"),
        ("CC_Base_R_Eye", "right"),
        ("Bip01 LEye", "left"),
        ("lEye", "left"),
        ("EyeBall_R", "right"),
        ("lid.T.L", None),
        ("eyelid.L", None),
        ("eye_brow.L", None),
        ("MCH-eye_target.L", None),
        ("Eyes", None),
        ("Leye2Brow", None),
    ],
)
def test_eyeballs_and_their_sides(name: str, side: str | None) -> None:
    assert eye_side(name) == side


def test_the_plainest_pair_is_taken() -> None:
    names = ["MCH-eye.R", "eye.R", "ORG-eye.L", "eye.L", "Head", "jaw"]
    assert eye_pair(names) == ("eye.L", "eye.R")
    assert eye_pair(["eye.L", "Head"]) is None
    assert lips_among(["lip.T", "lips.L", "jaw", "Slip", "mouth_corner_R"]) == [
        "lip.T",
        "lips.L",
        "mouth_corner_R",
    ]


def test_jaws_of_many_rigs() -> None:
    jaws = ["jaw", "DEF-jaw_master", "Bip01 MJaw", "CC_Base_JawRoot", "J_Bip_C_Jaw", "chin.001"]
    assert jaw_among([*jaws, "Head", "China", "eye.L"]) == jaws
