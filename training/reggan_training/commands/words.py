"""What `reggan-plugin` says of the commands of this package; imports nothing."""

HELP = {
    "train": "Train a model on pairs of pictures.",
    "train-landmarks": "Train the networks that find a face's landmarks.",
    "train-refinement": "Train the network that refines a rig's answer.",
    "dataset": "Draw, check and pack pictures to train on.",
    "evaluate": "Measure expression, identity and realism of a model.",
    "study": "Ask people which pictures they prefer, and count it.",
    "evaluate-motion": "Measure a rig on heads whose true motion is known.",
    "train-locator": "Train the networks that find faces.",
    "train-judge": "Train the networks that judge a model.",
    "mine-locator": "Collect what a locator takes for faces, to train on.",
}
WORKSHOP = ("train-locator", "train-judge", "mine-locator")
"""Commands of `reggan-plugin dev`."""
REMEDIES = {
    "training-diverged": "",
    "packed-set-too-large": "--limit-mib is the limit; --style, --split and --identities choose.",
    "set-without-pairs": "`reggan-plugin dataset check DIR` lists them.",
    "set-without-training": "--style names styles, --every-identity takes all.",
    "set-without-test": "--data may be given several times.",
    "picture-process-ended": "--processes N",
    "too-few-pictures": "That is --draw-minutes M.",
    "set-to-make-again": "`reggan-plugin dataset avatars` renders, `reggan-plugin dataset pack DIR "
    "--out set.zip` packs.",
    "start-of-other-shape": "That is, without --init-from.",
    "no-such-start": "Name one of them with --init-from.",
    "batch-does-not-divide": "That is --batch.",
    "diverged-at-once": "--out NEW --learning-rate …",
    "diverged-after-checkpoint": "--out NEW --init-from {start} --learning-rate …",
    "judge-to-train": "reggan-plugin dev train-judge",
    "no-cuda-to-train": "That is --device cpu.",
    "run-of-other-options": "--out names it.",
    "too-many-comparisons": "--comparisons {possible}",
    "no-attention-checks": "--attention-checks 0",
    "no-answer-counts": "--max-attention-failures allows more.",
    "foreign-folder": "",
    "other-weights": "",
}
"""As in `reggan_plugin/commands/remedies.py`."""
