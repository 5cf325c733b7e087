"""Pictures beside the sidebar."""

import pytest

from blender_addon.bridge.view_fit import fitted, free_span, hides_a_part


def test_sidebar_and_tools_leave_the_middle() -> None:
    assert free_span(600, [(400, 600), (0, 50)]) == (50, 400)
    assert free_span(600, []) == (0, 600)


def test_a_sidebar_over_everything_leaves_all_of_it() -> None:
    assert free_span(200, [(150, 200), (0, 180)]) == (0, 200)


def test_a_picture_under_the_sidebar_is_hidden_in_part() -> None:
    assert hides_a_part((100, 500), 600, (0, 400))
    assert not hides_a_part((10, 390), 600, (0, 400))
    assert not hides_a_part((-300, 900), 600, (0, 400))  # the artist zoomed in


@pytest.mark.parametrize("free", [(0.0, 400.0), (50.0, 600.0), (0.0, 600.0)])
def test_a_fitted_picture_lies_in_the_free_part(free: tuple[float, float]) -> None:
    zoom, shift = fitted((1280, 720), (600, 500), free)
    middle = 600 / 2 - shift * zoom
    half = 1280 * zoom / 2
    assert free[0] <= middle - half
    assert middle + half <= free[1]
    assert 2 * half > 0.9 * (free[1] - free[0])


def test_a_tall_picture_fits_by_its_height() -> None:
    zoom, _ = fitted((400, 2000), (600, 500), (0.0, 400.0))
    assert 0.9 < 2000 * zoom / 500 <= 1
