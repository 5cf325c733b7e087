"""The template is laid over landmarks."""

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of
from reggan_plugin.rig.template_fit import fit, template, worn_mouth
from tests.rig.drawn_face import drawn_face, placed

EYE = 0.234


def test_a_face_of_the_templates_own_proportions_is_met_exactly() -> None:
    rig = template()
    _, landmarks = drawn_face()
    laid = fit(rig, landmarks.places, landmarks.sigma)
    error = np.linalg.norm(laid.map(rig.rest)[:, :2] - placed(rig.rest), axis=1)
    assert error[rig.keep > 0.9].max() < 0.01 * EYE
    assert laid.map.eye == pytest.approx(EYE, rel=0.02)


def test_the_map_goes_through_lids_of_other_proportions() -> None:
    rig = template()
    _, landmarks = drawn_face()
    places = landmarks.places.copy()
    for side in ("right", "left"):
        rows = np.concatenate([eye_rows(side), rows_of("brow", side)])
        middle = places[eye_rows(side)].mean(axis=0)
        places[rows] = middle + 1.5 * (places[rows] - middle)
    laid = fit(rig, places, landmarks.sigma)
    lids = np.concatenate([eye_rows("right"), eye_rows("left")])
    error = np.linalg.norm(laid.map(rig.landmarks)[lids, :2] - places[lids], axis=1)
    assert error.max() < 0.01 * EYE


def test_an_uncertain_landmark_is_hardly_followed() -> None:
    rig = template()
    _, landmarks = drawn_face()
    places, sigma = landmarks.places.copy(), landmarks.sigma.copy()
    row = int(rows_of("cheek", "left")[2])
    places[row] += [0.3 * EYE, 0.0]
    followed = fit(rig, places, sigma).map(rig.landmarks)[row, 0]
    sigma[row] = 0.3 * EYE
    ignored = fit(rig, places, sigma).map(rig.landmarks)[row, 0]
    there, own = places[row, 0], landmarks.places[row, 0]
    assert abs(followed - there) < 0.06 * EYE
    assert abs(ignored - own) < 0.06 * EYE


@pytest.mark.parametrize("opened", [0.0, 0.3, 0.7])
def test_an_open_mouth_is_read_from_its_gap(opened: float) -> None:
    rig = template()
    _, landmarks = drawn_face({"jawOpen": opened})
    found = worn_mouth(rig, landmarks.places).get("jawOpen", 0.0)
    assert found == pytest.approx(opened, abs=0.15)
    assert landmarks.places.shape == (COUNT, 2)


def test_the_mesh_is_fine_where_a_chin_passes_before_a_neck() -> None:
    rig = template()
    pairs = np.concatenate([rig.triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    ends = rig.rest[pairs]
    chin = rig.landmarks[rows_of("jaw")[4:11]]
    near = np.linalg.norm(ends.mean(axis=1)[:, None] - chin, axis=2).min(axis=1) < 0.1
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)[near]
    assert np.percentile(length, 90) < 0.12
