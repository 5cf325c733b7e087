"""Notes for a reader of an evaluation's tables."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]


def notes_on(record: Record) -> list[str]:
    """Notes on the figures of `json_from_evaluation`'s record, and what they cannot say."""
    notes = [
        *_notes_on_distances(record),
        "Time: median CPU time for one face at the run's own size, PyTorch on one thread. "
        "*Trained* parameters are found by descent, *solved* numbers (filters, masks) in closed "
        "form. *Yaw*: up to this turn of the head the run is closer to the truth than the input.",
        "The regression layer is that of the first run alone: its change added to the input.",
    ]
    if "half" in record["splits"]:
        notes.append(
            "*Half an expression*: true renders of intensity 0.35–0.65, asked for at their own "
            "intensity. A cross-fade is input + intensity · (the run's full expression − input)."
        )
    if record["standings"]:
        notes.append(
            "*Standing*: 1 and one more for every run that is better by more than chance (the 95 % "
            "interval of the paired difference excludes 0); equal ranks cannot be told apart."
        )
    return notes + _warnings(record)


def _notes_on_distances(record: Record) -> list[str]:
    judged = {name: one["accuracy"] for name, one in record["judge"]["styles"].items()}
    accuracies = ", ".join(f"{value:.0%} ({name})" for name, value in judged.items())
    verified = record["judge"]["face_verification_accuracy"]
    embedding = (
        "" if verified is None else f"; the embedding is right on {verified:.0%} of held-out pairs"
    )
    return [
        "Means over held-out identities ± half of the 95 % interval (bootstrap over identities; "
        "for Fréchet distance from random halves of them). All pictures are compared "
        f"at {record['side_px']} px, through the first run's mask and the same composite. PSNR, "
        "SSIM and the perceptual distance are taken where the true picture differs from the "
        "input, dilated by 8 px at 256; SSIM is that of luminance. ECS is the share of pictures "
        "in which the expression judge names the wanted expression, with its mean probability; it "
        "chooses between the expressions that the set shows of the person. It "
        f"names the true pictures, neutral ones among them, rightly in {accuracies}. FSS is the "
        f"cosine of face embeddings, input against output{embedding}. Fréchet distance "
        "compares, in the features of that embedding, equally many pictures of every method with "
        "the true ones; its size depends on the number of pictures and on the faces, so compare "
        "within a split only."
    ]


def _warnings(record: Record) -> list[str]:
    warnings = [
        f"{name} is **not converged**: {_why_not_converged(run)}. It is left out of the standing, "
        "and no ranking is claimed over it."
        for name, run in record["runs"].items()
        if not run["is_converged"]
    ]
    warnings += [
        f"The ECS of {style} is not counted: {one['reason']}."
        for style, one in record["judge"]["styles"].items()
        if one["ecs_is_void"]
    ]
    return warnings


def _why_not_converged(run: Record) -> str:
    improvement = run["improvement_in_last_quarter"]
    if improvement is None:
        return "its held-out curve is too short to say that it has come to rest"
    return f"its held-out score still improved by {improvement:.1%} in the last quarter"
