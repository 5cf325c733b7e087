"""The commands of `reggan-plugin dev`, by name, with the line that its help shows."""

DEV_HELP = {
    "train-locator": "Train the networks that find faces.",
    "train-judge": "Train the networks that judge a model.",
    "mine-locator": "Collect what a locator takes for faces, to train on.",
    "export-locator": "Turn the locator's runs into model files.",
}
