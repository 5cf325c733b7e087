"""A model is used only if its card can be honoured and its bytes are the sealed ones."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reggan_plugin.errors import ModelCardError, ModelHashError, UnknownModelError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.models.model_card import (
    CARD_KEY,
    Handling,
    card_from_metadata,
    check_seal,
    find_model,
    installed_models,
    seal,
)
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

from ..motion_models import motion_card


@pytest.fixture
def fields() -> dict[str, object]:
    """Of a model of contract 1."""
    card = ExpressionTransfer("sargan", device="cpu").card
    parsed: dict[str, object] = json.loads(card.to_json())
    return parsed


def read(fields: dict[str, object]) -> None:
    card_from_metadata({CARD_KEY: json.dumps(fields)}, "x.onnx")


def test_a_card_survives_its_own_text(fields: dict[str, object]) -> None:
    card = card_from_metadata({CARD_KEY: json.dumps(fields)}, "x.onnx")
    assert json.loads(card.to_json()) == fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expressions", ["happy", "smug"]),
        ("name", "n" * 100_000),
        ("name", None),
        ("version", 1.0),
        ("image_size_px", 0),
        ("image_size_px", 256.0),
        ("expressions", ["happy", "happy"]),
        ("value_range", [-1, 1]),
        ("colour_encoding", "linear"),
        ("precision", "bf16"),
        ("canonical_landmarks", {"left_eye": [0, 0]}),
        ("canonical_landmarks", {key: [0.5, 0.5] for key in LANDMARK_NAMES}),
        ("canonical_landmarks", {name: [1e308, i] for i, name in enumerate(LANDMARK_NAMES)}),
        ("max_yaw_deg", -1),
        ("max_yaw_deg", "30"),
        ("max_yaw_deg", float("nan")),
        ("kind", "face-locator"),
        ("schema", 99),
    ],
)
def test_what_cannot_be_honoured_is_named(
    fields: dict[str, object], field: str, value: object
) -> None:
    fields[field] = value
    with pytest.raises(ModelCardError, match=f"{field}|{value}"):
        read(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("controls", []),
        ("controls", ["jawOpen", "smirk"]),
        ("controls", ["jawOpen", "jawOpen"]),
        ("expressions", ["happy"]),
        ("outputs", ["points", "sigma"]),
        ("template", "house-0"),
        ("painters", {"mouth": [0.2, 0.2, 0.5, 0.5]}),
        ("contract", 1),
        ("contract", [3]),
        ("schema", 1),
    ],
)
def test_what_cannot_be_honoured_of_a_rig_is_named(field: str, value: object) -> None:
    fields = {**json.loads(motion_card().to_json()), field: value}
    with pytest.raises(ModelCardError, match=field):
        read(fields)


def test_the_card_of_a_rig_survives_its_own_text() -> None:
    card = motion_card(controls=("jawOpen", "neutral"))
    again = card_from_metadata({CARD_KEY: card.to_json()}, "x.onnx")
    assert again == card
    assert again.names == EXPRESSION_NAMES


def test_a_model_of_contract_2_is_told_what_takes_its_place() -> None:
    fields = json.loads(motion_card().to_json()) | {"schema": 2, "contract": 2}
    with pytest.raises(ModelCardError, match=r"contract 2.*own rig.*trained anew"):
        read(fields)


def test_a_card_of_contract_1_says_nothing_that_older_versions_do_not_know(
    fields: dict[str, object],
) -> None:
    assert fields["schema"] == 1
    assert not {"contract", "controls", "outputs", "template"} & set(fields)


def test_a_missing_or_strange_field_is_named(fields: dict[str, object]) -> None:
    with pytest.raises(ModelCardError, match="mystery"):
        read({**fields, "mystery": 1})
    del fields["licence"]
    with pytest.raises(ModelCardError, match="licence"):
        read(fields)


def test_a_card_without_a_largest_yaw_has_no_limit(fields: dict[str, object]) -> None:
    fields.pop("max_yaw_deg", None)
    assert card_from_metadata({CARD_KEY: json.dumps(fields)}, "x.onnx").max_yaw_deg is None
    fields["max_yaw_deg"] = 30
    assert card_from_metadata({CARD_KEY: json.dumps(fields)}, "x.onnx").max_yaw_deg == 30


def test_an_older_card_is_fp32(fields: dict[str, object]) -> None:
    fields.pop("precision", None)
    assert card_from_metadata({CARD_KEY: json.dumps(fields)}, "x.onnx").precision == "fp32"


@pytest.mark.parametrize("metadata", [{}, {CARD_KEY: "{"}, {CARD_KEY: "[]"}])
def test_no_card_no_model(metadata: dict[str, str]) -> None:
    with pytest.raises(ModelCardError, match=r"x\.onnx"):
        card_from_metadata(metadata, "x.onnx")


def test_every_shipped_model_is_sealed() -> None:
    assert installed_models()
    for path in installed_models().values():
        check_seal(path)


def test_one_changed_byte_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "model.onnx"
    shutil.copyfile(find_model(), copy)
    check_seal(copy)
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(ModelHashError, match="damaged or was changed"):
        ExpressionTransfer(copy, device="cpu")


def test_sealing_fills_in_the_hash_that_the_check_wants(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    card = b'{"weights_sha256": "' + b"0" * 64 + b'"}'
    path.write_bytes(bytes([0x12, len(card)]) + card)  # as the field of an ONNX file
    with pytest.raises(ModelHashError):
        check_seal(path)
    assert seal(path) == check_seal(path)


def test_a_model_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(UnknownModelError, match="reggan"):
        find_model("no-such-model")


def test_a_card_says_how_its_model_is_handled_only_where_that_is_not_usual() -> None:
    usual = motion_card()
    assert "handling" not in json.loads(usual.to_json())
    own = replace(usual, own_handling=Handling(fade_deg=5.0, lifts_spectacles=False))
    text = own.to_json()
    assert json.loads(text)["handling"] == {"fade_deg": 5.0, "lifts_spectacles": False}
    assert card_from_metadata({CARD_KEY: text}, "x.onnx").handling == own.handling


@pytest.mark.parametrize(
    "handling", [{"fade_deg": 0}, {"lifts_spectacles": 1}, {"backdrop": "red"}, {"shine": 1}, 3]
)
def test_a_handling_that_cannot_be_is_named(handling: object) -> None:
    fields = json.loads(motion_card().to_json()) | {"handling": handling}
    with pytest.raises(ModelCardError, match="does not fit this version"):
        read(fields)
