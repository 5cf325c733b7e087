"""Neutral and the six basic expressions, each one canonical manner."""

from reggan_plugin.vocabulary.action_units import weights_from_notation
from reggan_plugin.vocabulary.expression import Expression

_BY_EYE = "action units of CFEE with their frequent companions, strengthened by eye"

BASIC_EXPRESSIONS: tuple[Expression, ...] = (
    Expression(
        name="neutral",
        aliases=("none", "calm"),
        vrm_preset="neutral",
        weights=weights_from_notation(""),
        source="the face at rest: no shape, and all of the source's own expression taken away",
        meanings=("blank", "expressionless", "deadpan", "poker face"),
    ),
    Expression(
        name="happy",
        aliases=("joy", "joyful", "happiness", "smile"),
        action_units=(12, 25),
        vrm_preset="happy",
        weights=weights_from_notation(
            "mouthSmile 1, cheekSquint .75, eyeSquint .4, mouthDimple .2, mouthUpperUp .35,"
            " mouthLowerDown .2, jawOpen .2"
        ),
        source=f"{_BY_EYE}; the mouth is open and shows the upper teeth",
        meanings=("cheerful", "glad", "delighted", "pleased", "grin", "grinning", "merry"),
    ),
    Expression(
        name="sad",
        aliases=("sorrow", "sadness"),
        action_units=(4, 15),
        vrm_preset="sad",
        weights=weights_from_notation(
            "mouthFrown 1.2, browInnerUp 1.3, browDown .25, eyeSquint .3, cheekSquint .3,"
            " eyeBlink .22, mouthShrugLower .85, mouthShrugUpper .25"
        ),
        source=_BY_EYE,
        meanings=("unhappy", "miserable", "depressed", "gloomy", "melancholic", "down", "frown"),
    ),
    Expression(
        name="angry",
        aliases=("anger",),
        action_units=(4, 5, 7, 10, 25, 26),
        vrm_preset="angry",
        weights=weights_from_notation(
            "browDown 1.2, eyeSquint .7, eyeWide .5, noseSneer .8, mouthPress .35, mouthFrown .4,"
            " mouthShrugLower .45, jawOpen .25, mouthUpperUp .5, jawForward .15,"
            " mouthLowerDown .5, mouthFunnel .1"
        ),
        source="a half-open snarl with teeth, after one that classifiers name anger on all of ten"
        " game avatars, where they name pressed lips (angry closed) on half; less open, by eye",
        meanings=("mad", "annoyed", "irritated", "upset", "furious", "raging"),
    ),
    Expression(
        name="disgusted",
        aliases=("disgust",),
        action_units=(9, 17),
        weights=weights_from_notation(
            "noseSneer 1.25, browDown .15, browInnerUp .2, eyeSquint .7, cheekSquint .7,"
            " mouthFrown .8, mouthShrugLower 1.1, mouthStretch .2, mouthPress .7"
        ),
        source=f"{_BY_EYE}; the lips are closed, without CFEE's raised upper lip (10), and brows"
        " hardly lower",
        meanings=("gross", "yuck", "nauseous", "repulsed", "sickened"),
    ),
    Expression(
        name="afraid",
        aliases=("fear", "fearful"),
        action_units=(1, 4, 20, 25),
        weights=weights_from_notation(
            "browInnerUp 1.25, browOuterUp .4, browDown .3, eyeWide 1.2, mouthStretch 1.15,"
            " mouthLowerDown .5, jawOpen .28"
        ),
        source=f"{_BY_EYE}; the mouth is open and stretched",
        meanings=("scared", "frightened", "terrified", "terror", "panic", "horror"),
    ),
    Expression(
        name="surprised",
        aliases=("surprise",),
        action_units=(1, 2, 25, 26),
        vrm_preset="surprised",
        weights=weights_from_notation(
            "browInnerUp 1.1, browOuterUp 1.15, eyeWide 1, jawOpen .65, mouthFunnel .25"
        ),
        source=f"{_BY_EYE}; the mouth is wide open",
        meanings=("astounded", "stunned", "shocked", "gasp", "wow", "jaw drop"),
    ),
)
"""Neutral and the six of the paper, in the order of the vector that contract 1 models take."""
