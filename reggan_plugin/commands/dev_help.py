"""The commands of `reggan-plugin dev`, by name, with the line that its help shows."""

DEV_HELP = {
    "ablation": "Train every method, small, on the same pictures.",
    "fit-regression": "Solve the regression layer alone, in closed form.",
    "merge-regression": "Add what several machines summed, and solve.",
    "train-locator": "Train the networks that find faces.",
    "train-judge": "Train the networks that judge a model.",
    "mine-locator": "Collect what a locator takes for faces, to train on.",
    "evaluate-locator": "Measure how well faces are found.",
    "export-locator": "Turn the locator's runs into model files.",
}
