"""Every architecture keeps the same promises, and has the published size."""

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.sets import load_sets
from reggan_training.papers.learnt_filters_and_masks import fit_closed_form
from reggan_training.papers.losses import Discriminator, paste
from reggan_training.papers.networks.architectures import architectures, build_model
from reggan_training.papers.networks.encoder_decoder import Encoder, tile_expression
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.papers.run_folder import initial_weights_from

PUBLISHED_PARAMETERS = {
    "us-gan": 2_533_440,  # 2.53 M, arXiv 2112.13002
    "sargan": 3_014_145,  # 3.01 M, arXiv 2303.17212
    "stargan": 8_436_800,  # 8.4 M, CVPR 2018
    "ganimation": 8_439_936,  # StarGAN's and one more head
    "reggan-paper": 2_533_440,  # US-GAN's body
    "reggan": 1_280_370,  # as shipped
    "regression": 0,
}
HAPPY = EXPRESSION_NAMES.index("happy")


def small_settings(architecture: str, side_px: int = 48, layer_px: int = 24) -> ModelSettings:
    layer = RegressionSettings(side_px=layer_px)
    return ModelSettings(architecture=architecture, side_px=side_px, width=0.125, regression=layer)


def small_model(settings: ModelSettings) -> ExpressionModel:
    """A model whose filters and masks are neither 0 nor 1."""
    torch.manual_seed(0)
    model = build_model(settings)
    for name, values in model.named_buffers():
        if name == "regression.changes":
            values.copy_(0.05 * torch.randn_like(values))
        if name == "masks":
            values[...] = 0.0
            values[:, 8:-8, 8:-8] = 0.5
    return model


def heard_in_the_middle(conditioned: bool) -> float:
    """How far apart two expressions leave the encoder's maps, away from the border."""
    torch.manual_seed(0)
    settings = ModelSettings(architecture="sargan", width=0.25, conditioned_norms=conditioned)
    encoder = Encoder(settings)
    image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(1)).expand(
        2, -1, -1, -1
    )
    asked = torch.eye(len(EXPRESSION_NAMES))[1:3]
    with torch.no_grad():
        one, other = encoder(tile_expression(image, asked), asked)
    return float((one - other)[:, 16:-16, 16:-16].abs().mean())


def test_conditioned_norms_are_told_what_normalisation_takes_away() -> None:
    assert heard_in_the_middle(conditioned=True) > 2 * heard_in_the_middle(conditioned=False)


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(1))


def test_there_are_the_six_methods_and_the_paper_s_shape() -> None:
    assert set(architectures()) >= set(PUBLISHED_PARAMETERS)


@pytest.mark.parametrize("architecture", PUBLISHED_PARAMETERS)
def test_width_1_has_the_published_number_of_parameters(architecture: str) -> None:
    with torch.device("meta"):
        model = build_model(ModelSettings(architecture=architecture))
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == PUBLISHED_PARAMETERS[architecture]


@pytest.mark.parametrize("architecture", architectures())
def test_nothing_changes_at_intensity_0_or_outside_the_mask(
    architecture: str, image: Tensor
) -> None:
    model = small_model(small_settings(architecture)).eval()
    asked = torch.zeros(2, len(EXPRESSION_NAMES))
    asked[1, HAPPY] = 0.7
    with torch.no_grad():
        face, mask = model(image, asked)
    assert face.shape == image.shape
    assert mask.shape == (2, 1, 48, 48)
    assert 0 <= float(face.min()) <= float(face.max()) <= 1
    made = paste(image, face, mask)
    assert torch.equal(made[0], image[0])
    outside = (mask[1] == 0).expand(3, -1, -1)
    assert outside.any()
    assert torch.equal(made[1][outside], image[1][outside])
    assert not torch.equal(made[1], image[1])


@pytest.mark.parametrize("architecture", sorted(set(architectures()) - {"regression"}))
def test_every_parameter_learns(architecture: str, image: Tensor) -> None:
    model = small_model(small_settings(architecture)).train()
    model.half_precision = True
    asked = torch.zeros(2, len(EXPRESSION_NAMES))
    asked[0, HAPPY], asked[1, 0] = 0.6, 1.0
    face, _ = model(image * 0.8 + 0.1, asked)
    assert face.dtype == torch.float32
    (face * torch.linspace(0, 1, 48)).sum().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle


@pytest.mark.parametrize("architecture", architectures())
@pytest.mark.parametrize("side_px", [32, 80])
def test_any_side_and_intensity_goes_through(architecture: str, side_px: int) -> None:
    model = small_model(small_settings(architecture, side_px, side_px)).eval()
    image = torch.rand(1, 3, side_px, side_px)
    asked = torch.zeros(1, len(EXPRESSION_NAMES))
    asked[0, HAPPY], asked[0, -1] = 1.5, 0.3
    with torch.no_grad():
        face, mask = model(image, asked)
    assert face.shape == image.shape
    assert torch.isfinite(face).all()
    assert float(mask.max()) > 0


@pytest.mark.parametrize(
    ("architecture", "reads_input"), [("reggan", True), ("reggan", False), ("reggan-paper", False)]
)
def test_without_the_input_only_the_regression_s_output_counts(
    architecture: str, reads_input: bool, image: Tensor
) -> None:
    settings = small_settings(architecture)
    if architecture == "reggan":
        settings = dataclasses.replace(settings, reads_input=reads_input)
    model = small_model(settings).eval()
    asked = torch.eye(len(EXPRESSION_NAMES))[[HAPPY, HAPPY]]
    image = image * 0.5 + 0.25
    squares = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(24, 24)
    with torch.no_grad():  # the layer sees means of 2x2 pixels, in which the pattern vanishes
        plain, patterned = (model.make_face(seen, asked) for seen in (image, image + 0.1 * squares))
    assert torch.allclose(plain, patterned, atol=1e-5) != reads_input


def test_expressions_that_nobody_shows_have_no_mask_and_copy(tiny_avatars: Path) -> None:
    whole = load_sets([tiny_avatars], ("train",))
    smiling = [only_views(identity, [0, HAPPY]) for identity in whole]
    model = build_model(small_settings("regression"))
    fit_closed_form(model, smiling)
    shown = model.masks.flatten(1).amax(dim=1) > 0
    assert shown.tolist() == [e in (0, HAPPY) for e in range(len(EXPRESSION_NAMES))]
    image = torch.rand(1, 3, 48, 48)
    sad = torch.eye(len(EXPRESSION_NAMES))[2:3]
    assert torch.allclose(model.make_face(image, sad), image, atol=1e-6)

    before = build_model(small_settings("regression"))
    fit_closed_form(before, whole)
    kept = before.masks.clone()
    fit_closed_form(before, smiling, keep_unseen=True)
    assert torch.equal(before.masks[2:], kept[2:])


def only_views(identity: Identity, views: list[int]) -> Identity:
    return dataclasses.replace(
        identity,
        images=identity.images[views],
        landmarks=identity.landmarks[views],
        states=identity.states[views],
        is_plain=identity.is_plain[views],
    )


def test_settings_say_what_they_can_be() -> None:
    with pytest.raises(
        UsageError, match="take one of ganimation, reggan, reggan-paper, regression"
    ):
        build_model(ModelSettings(architecture="pix2pix"))
    with pytest.raises(ValueError, match="multiple of 16"):
        ModelSettings(side_px=100)
    with pytest.raises(ValueError, match="its half or its quarter"):
        ModelSettings(side_px=64)
    with pytest.raises(ValueError, match="option of reggan alone"):
        ModelSettings(architecture="sargan", reads_input=False)


def test_the_discriminator_reads_small_crops_more_finely() -> None:
    image = torch.rand(2, 3, 64, 64)
    for unshuffle, cells in ((4, 4), (2, 8)):
        score, logits, features = Discriminator(7, 8, unshuffle)(image)
        assert score.shape == (2, 1, cells, cells)
        assert logits.shape == (2, 7)
        assert len(features) == 4


def test_a_run_can_start_from_the_shipped_model() -> None:
    path = find_model("sargan")
    weights = initial_weights_from(path)
    model = build_model(weights.settings).eval()
    weights.load_into(model)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    side = model.side_px
    image = np.random.default_rng(0).random((1, 3, side, side), dtype=np.float32)
    asked = np.eye(len(EXPRESSION_NAMES), dtype=np.float32)[HAPPY : HAPPY + 1]
    expected, _ = session.run(["face", "mask"], {"image": image, "expression": asked})
    with torch.no_grad():
        face, _ = model(torch.from_numpy(image), torch.from_numpy(asked))
    assert np.abs(face.numpy() - expected).max() < 1 / 255

    smaller = build_model(small_settings("reggan"))
    with pytest.raises(UsageError, match="architecture, size and width of"):
        weights.load_into(smaller)
    with pytest.raises(SourceError, match="neither a run folder nor an"):
        initial_weights_from(path.with_name("none.onnx"))


def test_a_model_that_ships_can_be_started_from_by_its_name() -> None:
    named, read = (initial_weights_from(Path(name)) for name in ("sargan", find_model("sargan")))
    assert named.sha256 == read.sha256
    assert named.settings.architecture == "sargan"
