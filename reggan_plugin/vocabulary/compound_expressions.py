"""Compound expressions of emotion: the fifteen of CFEE beyond the six, and two of EmotioNet.

*Which* action units belong to each: Du, Tao & Martinez, "Compound facial expressions of emotion",
PNAS 111(15), 2014, table 1; for sadly fearful, sadly angry, appalled and hatred, whose main units
there coincide with others', and for the last two rows, Benitez-Quiroz, Srinivasan & Martinez,
"EmotioNet", CVPR 2016. *How much* of each is in no table: set by eye, with the units that
accompany them often.
"""

from reggan_plugin.vocabulary.action_units import weights_from_notation
from reggan_plugin.vocabulary.expression import Expression

_CFEE = "main units of CFEE (PNAS 2014), companions and strengths by eye"
_EMOTIONET = "main units of EmotioNet (CVPR 2016), companions and strengths by eye"

_ROWS: tuple[tuple[str, tuple[int, ...], str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "happily surprised",
        (1, 2, 12, 25),
        "AU1 1, AU2 1.1, AU5 .7, AU12 1, AU6 .45, AU25 .9, jawOpen .45",
        _CFEE,
        ("joyfully surprised", "surprised happily"),
        ("amazed", "thrilled", "overjoyed"),
    ),
    (
        "happily disgusted",
        (10, 12, 25),
        "AU12 .95, AU10 .45, AU9 .8, AU6 .7, AU7 .35, AU4 .4, AU25 1",
        _CFEE,
        (),
        ("gleeful disgust", "cringing"),
    ),
    (
        "sadly fearful",
        (1, 4, 15, 25),
        "AU1 1.25, AU4 .3, AU5 .7, AU15 .95, AU20 .5, AU25 1",
        _EMOTIONET,
        (),
        ("anxious", "worried", "distressed", "desperate"),
    ),
    (
        "sadly angry",
        (4, 7, 15),
        "AU4 1.15, AU7 .7, AU15 1.1, AU17 .7, AU6 .25",
        _EMOTIONET,
        (),
        ("resentful", "bitter", "frustrated", "hurt"),
    ),
    (
        "sadly surprised",
        (1, 4, 25, 26),
        "AU1 1.25, AU4 .25, AU5 .35, AU15 .6, AU25 1, AU26 1.3",
        _CFEE,
        (),
        ("dismayed", "disappointed", "shattered"),
    ),
    (
        "sadly disgusted",
        (4, 10),
        "AU1 .6, AU4 .6, AU6 .55, AU9 .6, AU10 .6, AU15 .95, AU17 .6",
        _CFEE,
        (),
        ("repelled",),
    ),
    (
        "fearfully angry",
        (4, 20, 25),
        "AU4 1.2, AU5 .8, AU7 .3, AU10 .3, AU20 1, AU25 1.2, jawOpen .12",
        _CFEE,
        (),
        ("panicking", "cornered"),
    ),
    (
        "fearfully surprised",
        (1, 2, 5, 20, 25),
        "AU1 1.2, AU2 .9, AU4 .15, AU5 1.25, AU20 .9, AU25 1.2, AU26 1.3",
        _CFEE,
        (),
        ("horrified", "shocked", "startled"),
    ),
    (
        "fearfully disgusted",
        (1, 4, 10, 20, 25),
        "AU1 1, AU2 .3, AU4 .4, AU5 .8, AU9 .5, AU10 .7, AU20 1, AU25 1, jawOpen .1",
        _CFEE,
        (),
        ("aghast", "creeped out"),
    ),
    (
        "angrily surprised",
        (4, 25, 26),
        "AU4 1.1, AU5 .8, AU7 .25, AU10 .25, AU25 1, AU26 1.7",
        _CFEE,
        (),
        ("outraged", "indignant", "what"),
    ),
    (
        "angrily disgusted",
        (4, 10, 17),
        "AU4 1.25, AU7 .6, AU9 1, AU10 .45, AU17 1, AU24 .35",
        _CFEE,
        (),
        ("despising", "revolted"),
    ),
    (
        "disgustedly surprised",
        (1, 2, 5, 10),
        "AU1 .9, AU2 1.1, AU5 .9, AU9 .6, AU10 .75, AU17 .6",
        _CFEE,
        ("disgusted and surprised",),
        ("eww",),
    ),
    (
        "appalled",
        (4, 9, 10),
        "AU4 .9, AU6 .3, AU9 1.1, AU10 .85, AU17 .4, AU25 .5",
        _EMOTIONET,
        (),
        ("offended", "scandalised", "scandalized"),
    ),
    (
        "hatred",
        (4, 7, 10),
        "AU4 1.3, AU7 .85, AU9 .5, AU10 .6, AU17 .5, AU24 .5",
        _EMOTIONET,
        ("hateful", "hate"),
        ("loathing", "hostile", "vengeful", "evil"),
    ),
    (
        "awed",
        (1, 2, 5, 25),
        "AU1 1, AU2 .9, AU5 .85, AU25 1, AU26 .9, AU20 .2",
        _CFEE,
        ("awe", "in awe"),
        ("wonder", "impressed", "fascinated", "astonished"),
    ),
    (
        "happily sad",
        (4, 6, 12, 25),
        "AU1 .9, AU4 .4, AU6 .6, AU12 .75, AU15 .35, AU25 .9",
        _EMOTIONET,
        ("sadly happy", "bittersweet"),
        ("nostalgic", "moved", "touched", "wistful"),
    ),
    (
        "happily fearful",
        (1, 2, 12, 25, 26),
        "AU1 1.1, AU2 .7, AU5 1, AU12 .7, AU20 .6, AU25 1, AU26 .7",
        _EMOTIONET,
        (),
        ("nervous", "nervous smile", "excited"),
    ),
)

COMPOUND_EXPRESSIONS: tuple[Expression, ...] = tuple(
    Expression(
        name=name,
        aliases=aliases,
        action_units=units,
        weights=weights_from_notation(notation),
        source=source,
        meanings=meanings,
    )
    for name, units, notation, source, aliases, meanings in _ROWS
)
