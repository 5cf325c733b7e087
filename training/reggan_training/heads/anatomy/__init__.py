"""The CC0 head of MakeHuman: its assets, its shape, and its face in any state."""
