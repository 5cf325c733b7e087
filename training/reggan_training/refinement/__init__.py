"""The network that refines a rig's answer, and what it is trained on."""
