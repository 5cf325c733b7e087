"""Expressions of a part of the face, which are laid over what the rest shows.

Blinks, gaze and vowels under the names of VRM 1.0 and 0, and mouths of consonants.
Source of the names: VRMC_vrm 1.0, expressions.md, "preset expressions". *Left* and *right* are the
face's own.
"""

from reggan_plugin.vocabulary.action_units import weights_from_notation
from reggan_plugin.vocabulary.expression import Expression

_VRM = "a preset of VRM 1.0 as ARKit shapes"
_LIDS = f"{_VRM}, the lower lid a little up, by eye"
_MOUTH = "the mouth of this sound, by eye"

_ROWS: tuple[tuple[str, str | None, str, str, tuple[str, ...]], ...] = (
    (
        "blink",
        "blink",
        "eyeBlink 1, eyeSquint .4",
        _LIDS,
        ("eyes closed", "close eyes", "sleeping", "asleep"),
    ),
    (
        "blink left",
        "blinkLeft",
        "eyeBlinkLeft 1, eyeSquintLeft .4",
        _LIDS,
        ("blinkleft", "blink l"),
    ),
    (
        "blink right",
        "blinkRight",
        "eyeBlinkRight 1, eyeSquintRight .4",
        _LIDS,
        ("blinkright", "blink r"),
    ),
    (
        "wink left",
        None,
        "eyeBlinkLeft 1, eyeSquintLeft .4, cheekSquintLeft .8, browDownLeft .2, mouthSmileLeft .45,"
        " mouthDimpleLeft .2",
        "unit 46 with the cheek's help, by eye",
        ("wink",),
    ),
    (
        "wink right",
        None,
        "eyeBlinkRight 1, eyeSquintRight .4, cheekSquintRight .8, browDownRight .2,"
        " mouthSmileRight .45, mouthDimpleRight .2",
        "wink left in the mirror",
        (),
    ),
    ("look up", "lookUp", "eyeLookUp 1", _VRM, ("lookup", "looking up")),
    ("look down", "lookDown", "eyeLookDown 1", _VRM, ("lookdown", "looking down")),
    (
        "look left",
        "lookLeft",
        "eyeLookOutLeft 1, eyeLookInRight 1",
        _VRM,
        ("lookleft", "looking left"),
    ),
    (
        "look right",
        "lookRight",
        "eyeLookOutRight 1, eyeLookInLeft 1",
        _VRM,
        ("lookright", "looking right"),
    ),
    ("brows up", None, "browInnerUp 1, browOuterUp 1", "units 1 and 2", ("raised brows",)),
    (
        "aa",
        "aa",
        "jawOpen .6, mouthLowerDown .2, mouthUpperUp .1",
        _MOUTH,
        ("a", "ah", "viseme aa"),
    ),
    (
        "ih",
        "ih",
        "jawOpen .2, mouthStretch .35, mouthSmile .25, mouthLowerDown .3, mouthUpperUp .2",
        _MOUTH,
        ("i", "viseme i"),
    ),
    ("ou", "ou", "mouthPucker .9, mouthFunnel .1, jawOpen .1", _MOUTH, ("u", "oo", "viseme u")),
    (
        "ee",
        "ee",
        "jawOpen .28, mouthStretch .4, mouthSmile .35, mouthLowerDown .35, mouthUpperUp .15",
        _MOUTH,
        ("e", "eh", "viseme e"),
    ),
    ("oh", "oh", "jawOpen .4, mouthFunnel .4, mouthPucker .5", _MOUTH, ("o", "viseme o")),
    (
        "mbp",
        None,
        "mouthPress .5, mouthRollLower .35, mouthRollUpper .3",
        _MOUTH,
        ("viseme pp",),
    ),
    (
        "fv",
        None,
        "mouthRollLower .7, mouthUpperUp .3, jawOpen .06, mouthShrugLower .2",
        _MOUTH,
        ("viseme ff",),
    ),
    ("th", None, "jawOpen .18, mouthLowerDown .35, mouthUpperUp .15", _MOUTH, ("viseme th",)),
    (
        "dnt",
        None,
        "jawOpen .12, mouthLowerDown .45, mouthUpperUp .2, mouthStretch .15",
        _MOUTH,
        ("viseme dd", "viseme nn"),
    ),
    (
        "kg",
        None,
        "jawOpen .25, mouthLowerDown .3, mouthUpperUp .15",
        _MOUTH,
        ("viseme kk",),
    ),
    (
        "ch",
        None,
        "mouthFunnel .5, mouthPucker .2, mouthLowerDown .1, jawOpen .04",
        _MOUTH,
        ("viseme ch", "sh"),
    ),
    (
        "sz",
        None,
        "mouthStretch .45, mouthLowerDown .45, mouthUpperUp .25, jawOpen .04",
        _MOUTH,
        ("viseme ss",),
    ),
    ("rw", None, "mouthFunnel .2, mouthPucker .6, jawOpen .08", _MOUTH, ("viseme rr",)),
)

PART_EXPRESSIONS: tuple[Expression, ...] = tuple(
    Expression(
        name=name,
        aliases=aliases,
        vrm_preset=vrm_preset,
        weights=weights_from_notation(notation),
        replaces=False,
        source=source,
    )
    for name, vrm_preset, notation, source, aliases in _ROWS
)
