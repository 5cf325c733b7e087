"""By which rules the passes of a render are moved, and what each does, in words."""

from typing import Literal

PassRule = Literal["light", "colour", "nearest", "depth", "normal", "motion"]
PASS_RULES: dict[PassRule, str] = {
    "light": "filtered, times the gain",
    "colour": "filtered",
    "nearest": "nearest pixel, so that every value is one of before",
    "depth": "filtered, nearest across jumps",
    "normal": "filtered and brought to its length, not turned",
    "motion": "filtered, nearest across jumps, and turned with the change at this frame",
}
