"""What the numbers of a Python program's arrays are; loads nothing."""

from typing import Literal

ArrayEncoding = Literal["srgb", "linear"]
ChannelOrder = Literal["RGB", "BGR"]
