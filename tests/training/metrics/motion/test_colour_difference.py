from collections.abc import Callable

import numpy as np
import pytest

from reggan_training.heads.head import Part
from reggan_training.metrics.motion.measures import (
    TrueFace,
    chroma,
    ciede2000,
    colour_error,
    lab_from_srgb,
)

# Source: Sharma, Wu, Dalal 2005 (see `ciede2000`), table 1: two colours and their difference.
PUBLISHED = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_ciede2000_gives_the_published_differences_both_ways() -> None:
    rows = np.array([line.split() for line in PUBLISHED.strip().splitlines()], dtype=np.float64)
    first, second, expected = rows[:, :3].T, rows[:, 3:6].T, rows[:, 6]
    assert len(rows) == 34
    np.testing.assert_allclose(ciede2000(first, second), expected, atol=5e-5)
    np.testing.assert_allclose(ciede2000(second, first), expected, atol=5e-5)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((1.0, 1.0, 1.0), (100.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (53.24, 80.09, 67.20)),  # Rec. 709 red under D65
        ((0.0, 0.0, 1.0), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_known_colours(
    colour: tuple[float, float, float], expected: tuple[float, float, float]
) -> None:
    lab = lab_from_srgb(np.array(colour)[:, None])
    np.testing.assert_allclose(lab[:, 0], expected, atol=0.03)


def test_greys_have_no_chroma() -> None:
    greys = np.repeat(np.linspace(0, 1, 11)[None], 3, axis=0)
    assert chroma(lab_from_srgb(greys)).max() < 1e-6


def test_what_is_uncovered_has_to_have_its_true_colours(
    face: TrueFace, blurred: Callable[[np.ndarray], np.ndarray]
) -> None:
    teeth, everywhere = face.shows(Part.TEETH), np.ones_like(face.is_head)
    teal = np.array([0.35, 0.75, 0.75], dtype=np.float32)[:, None, None]
    wrong = np.where(teeth, teal * face.target.mean(axis=0), face.target)
    slightly = np.where(teeth, 0.96 * face.target, face.target)
    assert colour_error(face.target, face, everywhere) == 0
    assert 0 < colour_error(slightly, face, everywhere) < 8
    assert colour_error(wrong, face, teeth) > 15
    soft, lips = blurred(face.target), face.source  # the lips are where teeth should be
    assert 0 < colour_error(soft, face, everywhere) < colour_error(lips, face, everywhere)
    assert np.isnan(colour_error(face.target, face, np.zeros_like(everywhere)))
