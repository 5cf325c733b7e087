"""Passes of an EXR moved with its picture: only blocks with a change are written anew."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Bool
from reggan_plugin.errors import Remark, UnsupportedFormatError
from reggan_plugin.files.exr.block_codec import (
    channel_pixels,
    decode_blocks,
    encode_blocks,
    read_grid,
)
from reggan_plugin.files.exr.channel_names import Layer, passes_of, refuse_unwritable
from reggan_plugin.files.exr.container import Container, read_container, replace_chunks
from reggan_plugin.files.exr.writing_settings import EncodedFrame, PassChoice, RenderPass
from reggan_plugin.imaging.move_passes import PassMotion, changed_by, move_pass
from reggan_plugin.imaging.moved_part import MovedPart
from reggan_plugin.imaging.pass_rules import PASS_RULES, PassRule
from reggan_plugin.jobs.change_layers import FrameChange

_MARGIN_PX = 20
"""Around what is sampled: more than the kernel and the averages before it look at."""


def moved_passes(
    encoded: EncodedFrame,
    change: FrameChange,
    picture: Layer,
    choice: PassChoice,
    *,
    moves_alpha: bool,
) -> EncodedFrame:
    """Return the file, of which the picture has been changed, with its passes moved, too.

    Args:
        encoded: the file.
        change: of its picture.
        picture: the channels of that.
        choice: which passes.
        moves_alpha: whether the picture's alpha moved along.

    Raises:
        MissingChannelsError: the choice names a pass that is not there.
    """
    content, frame, parts = encoded.content, change.frame, change.edited.parts
    passes = passes_of(read_container(content).parts, picture)
    choice.refuse_unknown(passes)
    changed = changed_by(parts, (frame.pixels.shape[0], frame.pixels.shape[1]))
    if not changed.any():
        return encoded
    moved, left = [], []
    for index in sorted({one.part_index for one in passes}):
        of_part = [one for one in passes if one.part_index == index]
        ruled = [(one, rule) for one in of_part if (rule := choice.rule_of(one)) is not None]
        left += [one.path for one in of_part if choice.rule_of(one) is None]
        if ruled and not _fits(read_container(content), index, picture):
            left += [one.path for one, _ in ruled]
        elif ruled:
            content = _part_moved(content, index, ruled, change, changed, moves_alpha=moves_alpha)
            moved += ruled
    notices = (*encoded.notices, *_notices(moved, left, choice))
    return replace(encoded, content=content, notices=notices)


def _part_moved(
    content: bytes,
    index: int,
    ruled: Sequence[tuple[RenderPass, PassRule]],
    change: FrameChange,
    changed: Bool[np.ndarray, "height width"],
    *,
    moves_alpha: bool,
) -> bytes:
    """Return the file with the passes of one part moved."""
    container = read_container(content)
    part = container.parts[index]
    grid = read_grid(container, part)
    parts, picture_alpha = change.edited.parts, change.frame.alpha
    place = grid.rectangle_around(_looked_at(parts, changed))
    blocks = decode_blocks(container, part, grid, place)
    pixels = grid.pixels_of(place)
    alpha = None if picture_alpha is None else picture_alpha[pixels]
    motion = PassMotion(
        parts=parts,
        alpha=alpha,
        moves_alpha=moves_alpha and alpha is not None,
        corner=(pixels[0].start, pixels[1].start),
    )
    for one, rule in ruled:
        names = one.channels
        if rule == "colour" and one.alpha and moves_alpha:
            names = (*names, one.alpha)
        width = 3 if rule in ("light", "colour") else len(names)
        for start in range(0, len(names), width):
            own = [channel_pixels(blocks, name) for name in names[start : start + width]]
            planes = np.stack(own, axis=2)
            move_pass(planes, rule, motion)
            for target, plane in zip(own, np.moveaxis(planes, 2, 0), strict=True):
                target[...] = plane
    anew = {}
    for (row, column), data in encode_blocks(blocks, place).items():
        own_pixels = grid.pixels_of((slice(row, row + 1), slice(column, column + 1)))
        if changed[own_pixels].any():
            anew[grid.offsets[row, column]] = data
    return replace_chunks(container, anew)


def _looked_at(
    parts: Sequence[MovedPart], changed: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Return the corners of a box that holds the change and all that is sampled for it."""
    height, width = changed.shape
    looked = np.zeros_like(changed)
    for part in parts:
        if not (part.weight > 0).any():
            continue
        edges = []
        for axis, within, length in ((1, part.region[0], height), (0, part.region[1], width)):
            shift = part.displacement[..., axis]
            low = within.start + min(0.0, float(shift.min())) - _MARGIN_PX
            high = within.stop + max(0.0, float(shift.max())) + _MARGIN_PX
            edges.append(np.clip([low, high], 0, length - 1).astype(int))
        looked[np.ix_(*edges)] = True
    return looked


def _fits(container: Container, index: int, picture: Layer) -> bool:
    """Tell whether a part has the pixels of the picture, and can be written again."""
    part, own = container.parts[index], container.parts[picture.part_index]
    try:
        refuse_unwritable(part)
    except UnsupportedFormatError:
        return False
    return part.window("dataWindow") == own.window("dataWindow")


def _notices(
    moved: Sequence[tuple[RenderPass, PassRule]], left: Sequence[str], choice: PassChoice
) -> tuple[Remark, ...]:
    notices = []
    if moved:
        by_rule: dict[PassRule, list[str]] = {}
        for one, rule in moved:
            by_rule.setdefault(rule, []).append(one.path)
        lists = {rule: ", ".join(dict.fromkeys(names)) for rule, names in by_rule.items()}
        listed = "; ".join(f"{names} ({PASS_RULES[rule]})" for rule, names in lists.items())
        notices.append(Remark(f"passes moved with the face: {listed}", "passes-moved"))
    if left and not choice.patterns:
        names = ", ".join(dict.fromkeys(left))
        notices.append(Remark(f"passes left as they are: {names}", "passes-left"))
    return tuple(notices)
