"""The actions of muscles in each expression.

Recipes give each action's weight at intensity 1. They follow the action units that the Facial
Action Coding System names for each emotion. Source: Ekman, Friesen and Hager, Facial Action
Coding System, 2002.
"""

from collections.abc import Mapping

from reggan_training.heads.anatomy.actions import ACTIONS
from reggan_training.heads.anatomy.face_state import ExpressionHabits, FaceState

_RECIPES: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happy": {"CheekUp": 1.0, "LowerLidUp": 0.45, "NasolabialDeepener": 0.35},
    "sad": {
        **{"InnerBrowUp": 1.15, "brows-inner-up": 1.0, "UpperLidClosed": 0.04},
        **{"mouth-depression": 0.75, "MouthPullDown": 0.55, "lowerLipUp": 0.30},
    },
    "angry": {
        **{"BrowDown": 1.2, "brows-down": 1.1, "UpperLidOpen": 0.45, "LowerLidUp": 0.45},
        "nose-dilatation": 1.0,
    },
    "disgusted": {
        # brows come down by the nose's wrinkling alone and the eyes narrow: anger glares
        **{"NoseWrinkler": 0.75, "nose-elevation": 1.1, "BrowDown": 0.15, "brows-down": 0.20},
        **{"CheekUp": 1.0, "LowerLidUp": 0.80, "UpperLidClosed": 0.14, "UpperLipUp": 0.30},
        **{"mouth-elevation": 0.80, "lowerLipForward": 0.50, "MouthPullDown": 0.45},
        "NasolabialDeepener": 1.2,
    },
    "afraid": {
        **{"InnerBrowUp": 1.2, "OuterBrowUp": 0.35, "BrowDown": 0.35, "UpperLidOpen": 1.0},
        **{"mouth-retraction": 0.70, "mouth-depression-retraction": 0.45, "JawDrop": 0.25},
        **{"MouthPlatysma": 0.25, "platysma": 0.5},
    },
    "surprised": {
        **{"InnerBrowUp": 1.2, "OuterBrowUp": 1.2, "brows-up": 0.5, "UpperLidOpen": 0.75},
        **{"JawDrop": 0.75, "JawDropStretched": 0.20, "LipsKiss": 0.25},
        "UpperLipUp": 0.25,
    },
}
_MANNERS: Mapping[str, Mapping[str, float]] = {
    "happy open": {"mouth-corner-puller": 0.45, "mouth-upward-retraction": 0.95},
    "happy closed": {"mouth-corner-puller": 1.1, "MouthPullUp": 0.15},
    "angry pressed": {"UpperLipBackward": 0.40, "lowerLipUp": 0.45, "MouthPullDown": 0.65},
    "angry bared": {"mouth-part-later": 0.75, "MouthPullDown": 0.30},
}
_PARTED = ("open", "bared", "disgusted", "afraid", "surprised")
_GAZE_PITCH_DEG: Mapping[str, float] = {"sad": -5.0}
_SPEECH: Mapping[str, float] = {"JawDrop": 0.6, "mouth-parling": 0.4, "UpperLipUp": 0.1}
_WRINKLED_BY: Mapping[str, Mapping[str, float]] = {
    "forehead": {"InnerBrowUp": 0.35, "OuterBrowUp": 0.45, "brows-inner-up": 0.3},
    "glabella": {"BrowDown": 0.55, "brows-down": 0.4, "NoseWrinkler": 0.2},
    "crow_feet": {"CheekUp": 0.8},
    "nasolabial": {
        **{"NasolabialDeepener": 0.7, "mouth-upward-retraction": 0.5},
        **{"mouth-corner-puller": 0.5, "mouth-elevation": 0.3, "mouth-part-later": 0.4},
    },
    "nose": {"NoseWrinkler": 0.7, "nose-elevation": 0.4},
    "chin": {"mouth-depression": 0.8, "lowerLipUp": 0.8},
}


def action_weights(state: FaceState, habits: ExpressionHabits) -> dict[str, float]:
    """The weight of each action in a state. Every weight grows with the intensity from 0.

    Eye closure and gaze are no actions: they are solved on the lids themselves.
    """
    manners = {"happy": f"happy {habits.smile}", "angry": f"angry {habits.anger}"}
    recipe = {
        **_RECIPES[state.expression],
        **_MANNERS.get(manners.get(state.expression, ""), {}),
    }
    weights = {
        action: state.intensity * weight * habits.gain.get(action, 1.0)
        for action, weight in recipe.items()
    }
    for action, weight in _SPEECH.items():
        weights[action] = max(weights.get(action, 0.0), state.mouth_open * weight)
    return {action: weight for action, weight in weights.items() if weight != 0}


def gaze_deg(state: FaceState) -> tuple[float, float]:
    """Yaw and pitch of both eyes: what was asked for, and what the expression adds."""
    lowered = _GAZE_PITCH_DEG.get(state.expression, 0.0) * state.intensity
    return state.gaze_yaw_deg, state.gaze_pitch_deg + lowered


def lip_seal(state: FaceState, habits: ExpressionHabits) -> float:
    """Strength, 0 to 1, that holds lips together where this expression would part them."""
    manners = {"happy": habits.smile, "angry": habits.anger}
    opens = manners.get(state.expression, state.expression) in _PARTED
    return 0.0 if opens else max(0.0, 1 - 4 * state.mouth_open)


def unit_weights(weights: Mapping[str, float], habits: ExpressionHabits) -> dict[str, float]:
    """The weight of each morph and pose unit, with the identity's lean to one side."""
    units: dict[str, float] = {}
    for action, weight in weights.items():
        names = ACTIONS[action]
        leans = (habits.lean.get(action, 0.0), -habits.lean.get(action, 0.0))
        for name, lean in zip(names, leans if len(names) == 2 else (0.0,), strict=True):
            units[name] = units.get(name, 0.0) + weight * (1 + lean)
    return units


def wrinkle_amounts(weights: Mapping[str, float]) -> dict[str, float]:
    """Depth of each kind of wrinkle under these actions, 0 to 1."""
    return {
        name: min(1.0, sum(share * weights.get(action, 0.0) for action, share in shares.items()))
        for name, shares in _WRINKLED_BY.items()
    }
