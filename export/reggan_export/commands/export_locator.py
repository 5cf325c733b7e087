"""`reggan-plugin dev export-locator`: the locator's runs become its two model files."""

import json
from pathlib import Path
from typing import Any

import click
import onnx

from reggan_export.commands.export_model import refuse_occupied
from reggan_export.onnx_file import graph_from_module, write_verified
from reggan_export.source_network import LocatorPart, locator_part
from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.faces.locator import CARD_KIND, CARD_SCHEMA
from reggan_plugin.models.model_card import UNSEALED, read_card
from reggan_training.commands.options import overwrite_option
from reggan_training.locator.training import CHECKPOINT_NAME
from reggan_training.training_run import read_checkpoint


def export_locator_part(name: str, run: Path, out: Path) -> VerifyReport:
    """Write one of the locator's files; returns how it compares with PyTorch.

    Args:
        name: `detector` or `landmarks`.
        run: its run folder.
        out: replaced if it exists.

    Raises:
        SourceError: the run has no checkpoint of that network.
        ModelError: ONNX Runtime answers otherwise than PyTorch; nothing is left at `out`.
    """
    part = locator_part(name, run)
    graph = graph_from_module(
        part.graph,
        (part.example,),
        inputs=[part.input_name],
        outputs=part.output_names,
        dynamic_axes=[part.dynamic_axes],
    )
    return write_verified(
        graph, _card(part, run), out, lambda file: verify_model(file, checkpoint=run)
    )


def _card(part: LocatorPart, run: Path) -> str:
    card = {
        "kind": CARD_KIND,
        "schema": CARD_SCHEMA,
        "part": part.name,
        "landmarks": list(LANDMARK_NAMES),
        "conventions": part.conventions,
        "training_data": "rendered avatars of CC0 heads, style photo only; renders of ICT "
        "FaceKit, VALID and MakeHuman's CC0 head, of all proportions and turned to both sides; "
        "procedural cartoons; all restyled to grey statues, metals and drawings; procedural "
        "backgrounds",
        "split": "photo identities whose number ends in 1-7; 8 validation; 9, 0 and every "
        "other style test; of the renders held-out identities test, as "
        "`reggan_training.data.identity_and_split` names them; the least scores were chosen on two "
        "sets of frames of `tests/measurements/locator/everybody.py`",
        "run": describe_run(run),
        "licence": "Apache-2.0",
        "weights_sha256": UNSEALED,
    }
    return json.dumps(card)


def describe_run(run: Path) -> dict[str, Any]:
    """Return a run's configuration, what it has seen, and the runs it started from, by name.

    Of an exported network it is what its card says.
    """
    if run.suffix == ".onnx":
        metadata = {one.key: one.value for one in onnx.load(run).metadata_props}
        return dict(read_card(metadata, str(run))["run"])
    config: dict[str, Any] = json.loads((run / "config.json").read_text())
    seen_kimg = read_checkpoint(run / CHECKPOINT_NAME)["steps"] * config["batch"] / 1000
    earlier = Path(config.pop("start_from") or run)
    negatives = [Path(name).name for name in config.pop("negatives")]
    heads = [Path(name).name for name in config.pop("heads", ())]
    description = {"name": run.resolve().name, **config, "seen_kimg": seen_kimg}
    if heads:
        description["heads"] = heads
    if negatives:
        description["negatives"] = negatives
    if earlier != run:
        description["started_from"] = describe_run(earlier)
    return description


@click.command("export-locator")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the run folders `detector` and `landmarks`.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for detector.onnx and landmarks.onnx.",
)
@overwrite_option()
@verbose_option
def export_locator(run: Path, out: Path, overwrite: bool) -> None:
    """Export a trained face locator to ONNX and report its parity with PyTorch.

    \b
    Example:
      reggan-plugin dev export-locator --run runs/locator --out weights/face_locator
    """
    out.mkdir(parents=True, exist_ok=True)
    targets = [(part, out / f"{part}.onnx") for part in ("detector", "landmarks")]
    for _, target in targets:
        refuse_occupied(target, overwrite)
    for part, target in targets:
        click.echo(export_locator_part(part, run / part, target).table())
        click.echo(f"\n{target}")
