"""`reggan-plugin models`: what models there are and what their cards say."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.errors import ModelError, UsageError
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.frozen import frozen
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.models.model_card import (
    ModelCard,
    card_from_metadata,
    check_seal,
    find_model,
    installed_models,
)
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.models.signatures import BUNDLE_SUFFIX, verify_signature
from reggan_plugin.models.unsafe_onnx import contents_of, refuse_references


@frozen
class CheckedModel:
    """A model file and what a look at it gave."""

    path: Path
    card: ModelCard | None
    fault: str | None
    """Why it cannot be used; None if the card can be honoured and the hash matches."""

    def document(self) -> dict[str, Any]:
        """Return the model as `--json` prints it."""
        return {
            "path": str(self.path),
            "hash_matches": self.fault is None,
            "fault": self.fault,
            "card": asdict(self.card) if self.card else None,
        }


@click.command(epilog="\b\nExample:\n  reggan-plugin models --json")
@click.argument("name", required=False, metavar="[NAME|FILE.onnx]")
@click.option(
    "--verify",
    "repository",
    metavar="URL",
    help="Also check each file's Sigstore bundle: a workflow of this repository must have signed "
    "it, such as https://github.com/OWNER/NAME. Nothing is fetched. Needs the extra [verify].",
)
@click.option(
    "--bundles",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Where the bundles are, FILE{BUNDLE_SUFFIX}.  [default: beside each model]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@verbose_option
def models(
    *, name: str | None, repository: str | None, bundles: Path | None, as_json: bool
) -> None:
    """List the models with their cards, and check their hashes.

    With a name or a file, print everything that its card says. The hash is a checksum: it finds
    damage. --verify checks who made a file.
    """
    if bundles is not None and repository is None:
        raise UsageError("--bundles is for --verify URL, which says who must have signed.")
    paths = list(installed_models().values()) if name is None else [find_model(name)]
    refuse_overwriting([], paths)  # by `>> model.onnx`
    checked = [_check(path) for path in paths]
    if as_json:
        documents = [model.document() for model in checked]
        click.echo(json_text(documents if name is None else documents[0], indent=2))
    else:
        for model in checked:
            click.echo(f"{model.path.stem}: {_line(model)}" if name is None else _card(model))
    if not checked:
        raise ModelError("No model is installed. Install reggan-plugin again, or pass a file.")
    if repository is not None:
        for path in paths:
            verify_signature(
                path, (bundles or path.parent) / f"{path.name}{BUNDLE_SUFFIX}", repository
            )
            click.echo(f"{path.name}: signed by a workflow of {repository}", err=True)
    for fault in (model.fault for model in checked if model.fault):
        raise ModelError(fault)


def _check(path: Path) -> CheckedModel:
    card = None
    try:
        refuse_references(contents_of(path.read_bytes(), path), path)
        card = card_from_metadata(metadata_from_onnx(path), str(path))
        check_seal(path)
    except ModelError as error:
        return CheckedModel(path=path, card=card, fault=str(error))
    return CheckedModel(path=path, card=card, fault=None)


def _line(model: CheckedModel) -> str:
    if model.card is None:
        return "unusable"
    card = model.card
    others = [word for word in (card.name, card.architecture) if word != model.path.stem]
    named = "".join(f"{word}, " for word in dict.fromkeys(others))
    return (
        f"{named}version {card.version}, {card.image_size_px} px, "
        f"{', '.join(card.expressions) or f'{len(card.controls)} controls'}; {card.licence}; "
        f"hash {'does not match' if model.fault else 'ok'}"
    )


def _card(model: CheckedModel) -> str:
    if model.card is None:
        return f"{model.path}: unusable"
    fields = {"path": str(model.path), **asdict(model.card)}
    width = max(map(len, fields)) + 2
    return "\n".join(f"{key:{width}}{_text(value)}" for key, value in fields.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)
