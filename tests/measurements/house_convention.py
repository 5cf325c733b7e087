"""How far the template's shapes move a face, and which way: the house convention as a table.

    python -m tests.measurements.house_convention

Needs nothing but the template that ships. The table stands in docs/maintainers/convention.md.
"""

import numpy as np

from reggan_plugin.rig.template_fit import CONVENTIONS, Template, template

_AXES = (("left", "right"), ("up", "down"), ("forward", "back"))
"""Words for both ways along each axis, of the head's own."""
_LEAST = 0.4
"""Share of a way along an axis from which on it is named."""


def rows(rig: Template) -> list[str]:
    """A line of the table for each shape; of those with a mirror image the left one."""
    lines = []
    for name, moved in rig.shapes.items():
        if name.endswith("Right"):
            continue
        meant = moved[None] + rig.conventions[name]
        length = np.linalg.norm(moved, axis=1)
        most = int(length.argmax())
        sizes = np.sqrt((meant**2).sum(axis=2).mean(axis=1)) / np.sqrt((length**2).mean())
        shares = " | ".join(f"{size:.2f}" for size in sizes)
        lines.append(f"| `{name}` | {length[most]:.3f} | {way(moved[most])} | {shares} |")
    return lines


def way(motion: np.ndarray) -> str:
    """Name the ways along which a motion mostly goes, the longest first."""
    shares = motion / np.linalg.norm(motion)
    order = np.argsort(-np.abs(shares))
    return ", ".join(_AXES[k][int(shares[k] < 0)] for k in order if abs(shares[k]) >= _LEAST)


def table() -> str:
    """Return the table as Markdown."""
    head = ["shape", "farthest", "which way", *CONVENTIONS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows(template())]
    return "\n".join(lines)


def main() -> None:
    """Print it."""
    print(table())


if __name__ == "__main__":
    main()
