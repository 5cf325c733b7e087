"""Expressions that are no basic emotion and no compound of them: attitudes, states, doings."""

from reggan_plugin.vocabulary.action_units import weights_from_notation
from reggan_plugin.vocabulary.expression import Expression

_BY_EYE = "by eye"

OTHER_EXPRESSIONS: tuple[Expression, ...] = (
    Expression(
        name="happy closed",
        aliases=("closed smile", "smile closed"),
        action_units=(6, 12),
        weights=weights_from_notation(
            "mouthSmile 1, cheekSquint .65, eyeSquint .35, mouthDimple .35, mouthPress .15"
        ),
        source="happy with the lips together, by eye",
        meanings=("content", "satisfied", "friendly", "polite", "kind"),
    ),
    Expression(
        name="angry closed",
        aliases=("closed anger", "anger closed"),
        action_units=(4, 7, 24),
        weights=weights_from_notation(
            "browDown 1.3, eyeSquint .55, eyeWide .4, noseSneer .7, mouthPress 1, mouthFrown .6,"
            " mouthShrugLower .8, mouthRollUpper .15"
        ),
        source="angry with the lips pressed together: units of CFEE, strengthened by eye",
        meanings=("cross", "scowl", "frown", "grim", "stern face"),
    ),
    Expression(
        name="laughing",
        aliases=("laugh",),
        action_units=(6, 7, 12, 25, 26),
        weights=weights_from_notation(
            "mouthSmile 1.1, cheekSquint 1, eyeSquint .9, eyeBlink .25, noseSneer .2,"
            " browInnerUp .2, mouthUpperUp .5, mouthLowerDown .35, jawOpen .6"
        ),
        source=f"units 6, 7, 12, 25 and 26, {_BY_EYE}",
        meanings=("hilarious", "amused", "giggling", "cackling", "lol"),
    ),
    Expression(
        name="relaxed",
        aliases=("fun", "chill", "serene"),
        vrm_preset="relaxed",
        weights=weights_from_notation(
            "eyeBlink .3, eyeSquint .15, mouthSmile .5, cheekSquint .25, mouthDimple .25,"
            " browInnerUp .1"
        ),
        source=f"a preset of VRM 1.0, which leaves its looks open; {_BY_EYE}",
        meanings=("peaceful", "comfortable", "dreamy"),
    ),
    Expression(
        name="contempt",
        aliases=("contemptuous", "scorn", "scornful"),
        action_units=(12, 14),
        weights=weights_from_notation(
            "mouthDimpleLeft 1.1, mouthSmileLeft .55, mouthPressLeft .2, cheekSquintLeft .35,"
            " mouthUpperUpLeft .2, noseSneerLeft .25, eyeSquint .35, browDown .3, mouthLeft .2"
        ),
        source="units 12 and 14 of one side (Ekman & Heider 1988), by eye",
        meanings=("arrogant", "disdain", "disdainful", "condescending", "haughty"),
    ),
    Expression(
        name="smirk",
        aliases=("smirk left",),
        action_units=(12,),
        weights=weights_from_notation(
            "mouthSmileLeft 1, mouthSmileRight .15, mouthDimpleLeft .2, cheekSquintLeft .5,"
            " eyeSquintLeft .35, browOuterUpRight .3, mouthLeft .15"
        ),
        source=f"unit 12 of the own left side, {_BY_EYE}",
        meanings=("smug", "sly", "half smile", "mischievous", "cheeky", "flirty", "ironic"),
    ),
    Expression(
        name="smirk right",
        weights=weights_from_notation(
            "mouthSmileRight 1, mouthSmileLeft .15, mouthDimpleRight .2, cheekSquintRight .5,"
            " eyeSquintRight .35, browOuterUpLeft .3, mouthRight .15"
        ),
        source="smirk in the mirror",
    ),
    Expression(
        name="skeptical",
        aliases=("sceptical", "doubtful", "skepticism"),
        action_units=(2, 4),
        weights=weights_from_notation(
            "browOuterUpLeft 1.2, browInnerUp .25, browDownRight 1, eyeSquintRight .6,"
            " eyeSquintLeft .15, mouthPress .2, mouthFrownRight .6, mouthFrownLeft .25,"
            " mouthRight .15"
        ),
        source=f"one brow up, one down, {_BY_EYE}",
        meanings=("suspicious", "distrustful", "raised eyebrow", "questioning", "unconvinced"),
    ),
    Expression(
        name="confused",
        aliases=("puzzled",),
        weights=weights_from_notation(
            "browDown .6, browInnerUp .75, browOuterUpRight .5, eyeSquint .4, mouthPucker .25,"
            " mouthLeft .35, mouthFrown .35, mouthShrugLower .3"
        ),
        source=_BY_EYE,
        meanings=("perplexed", "lost", "unsure", "bewildered"),
    ),
    Expression(
        name="concentrated",
        aliases=("concentrating", "focused", "focussed"),
        action_units=(4, 7, 24),
        weights=weights_from_notation(
            "browDown .85, eyeSquint .65, mouthPress .3, mouthRollLower .2, mouthRollUpper .1"
        ),
        source=f"units 4, 7 and 24 without anger's nose and chin, {_BY_EYE}",
        meanings=("thinking", "thoughtful", "determined", "serious", "attentive", "stern"),
    ),
    Expression(
        name="tired",
        aliases=("sleepy", "drowsy", "exhausted"),
        weights=weights_from_notation(
            "eyeBlink .55, eyeLookDown .25, browInnerUp .3, browDown .15, mouthFrown .4,"
            " jawOpen .06"
        ),
        source=_BY_EYE,
        meanings=("bored", "yawn", "weary", "fatigued", "sick", "hungover", "jaded"),
    ),
    Expression(
        name="pain",
        aliases=("in pain", "hurting"),
        action_units=(4, 6, 7, 9, 10, 43),
        weights=weights_from_notation(
            "AU4 1.1, AU6 .9, AU7 1, AU9 .8, AU10 .5, eyeBlink .5, mouthStretch .8, AU25 .9,"
            " browInnerUp .4"
        ),
        source="units 4, 6, 7, 9, 10 and 43 (Prkachin & Solomon 2008), strengths by eye",
        meanings=("agony", "ouch", "suffering", "wince", "wincing"),
    ),
    Expression(
        name="crying",
        aliases=("cry", "weeping"),
        weights=weights_from_notation(
            "browInnerUp 1.2, browDown .5, eyeBlink .5, eyeSquint .8, cheekSquint .8,"
            " mouthFrown .9, mouthStretch .6, mouthShrugLower .4, mouthLowerDown .45,"
            " jawOpen .2, noseSneer .4"
        ),
        source=_BY_EYE,
        meanings=("sobbing", "tears", "heartbroken", "devastated"),
    ),
    Expression(
        name="shouting",
        aliases=("shout", "yelling", "screaming"),
        weights=weights_from_notation(
            "jawOpen .9, mouthStretch .5, mouthUpperUp .5, mouthLowerDown .7, browDown 1,"
            " eyeSquint .5, noseSneer .7, cheekSquint .4"
        ),
        source=_BY_EYE,
        meanings=("furious", "rage", "raging", "roaring", "battle cry"),
    ),
    Expression(
        name="snarl",
        aliases=("snarling", "baring teeth"),
        action_units=(4, 9, 10, 25),
        weights=weights_from_notation(
            "browDown 1.2, noseSneer 1.2, mouthUpperUp .9, mouthLowerDown .6, mouthStretch .4,"
            " eyeSquint .5, eyeWide .3, jawOpen .08"
        ),
        source=f"anger with bared teeth, {_BY_EYE}",
        meanings=("growling", "vicious", "feral", "angry teeth"),
    ),
    Expression(
        name="grimace",
        aliases=("clenched teeth",),
        weights=weights_from_notation(
            "mouthStretch 1.1, mouthLowerDown .7, mouthUpperUp .6, eyeSquint .4, browInnerUp .4,"
            " browDown .2"
        ),
        source=_BY_EYE,
        meanings=("awkward", "embarrassed", "eek", "yikes", "oops"),
    ),
    Expression(
        name="pout",
        aliases=("pouting", "sulking"),
        action_units=(17, 18),
        weights=weights_from_notation(
            "mouthPucker .5, mouthShrugLower .8, mouthShrugUpper .4, mouthFrown .5, browInnerUp .4,"
            " browDown .4, eyeSquint .15"
        ),
        source=f"units 17 and 18, {_BY_EYE}",
        meanings=("sulky", "grumpy", "offended child", "moody"),
    ),
    Expression(
        name="kiss",
        aliases=("kissing", "duck face"),
        action_units=(18,),
        weights=weights_from_notation("mouthPucker 1.2, eyeSquint .15"),
        source=f"unit 18, {_BY_EYE}",
        meanings=("whistle", "whistling", "love", "smooch"),
    ),
    Expression(
        name="puffed cheeks",
        aliases=("cheeks puffed", "puff"),
        action_units=(33,),
        weights=weights_from_notation("cheekPuff 1, mouthPress .3, mouthPucker .2"),
        source=f"unit 33, {_BY_EYE}",
        meanings=("blowing", "holding breath", "balloon"),
    ),
)
