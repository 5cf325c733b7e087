"""As much of Nuke and Fusion as our compositions use, after their documentation.

Pictures are [height, width, 4] arrays, the first row on top. This checks what a composition says,
not what a program makes of it.
"""

import re
from typing import Any

import numpy as np
import OpenImageIO

from ..layered_shots import warped

Picture = np.ndarray


def read(path: str) -> Picture:
    """RGBA as stored; alpha 1 where there is none."""
    as_stored = OpenImageIO.ImageSpec()
    as_stored["oiio:UnassociatedAlpha"] = 1
    pixels = OpenImageIO.ImageBuf(path, 0, 0, as_stored).get_pixels(OpenImageIO.FLOAT)
    result = np.ones((*pixels.shape[:2], 4), np.float32)
    result[..., : pixels.shape[2]] = pixels
    return result


class NukeScript:
    """A script whose nodes can be asked for their pictures."""

    def __init__(self, text: str, frame: int) -> None:
        self.nodes: dict[str, tuple[str, list[str], dict[str, str]]] = {}
        self.frame, self.intensity, self._mask = frame, 1.0, None
        stack, knobs, kind = [], {}, ""
        for line in text.splitlines():
            if line.startswith(("#", "version")):
                continue
            if line.startswith("push $"):
                stack.append(line.removeprefix("push $"))
            elif line.startswith("set "):
                assert line == f"set {stack[-1]} [stack 0]"
            elif line == "}":
                sources = [stack.pop() for _ in range(int(knobs["inputs"]))]
                name = knobs.get("name", kind)
                self.nodes[name] = (kind, sources, knobs)
                if kind != "Root":
                    stack.append(name)
            elif line.endswith(" {"):
                kind, knobs = line.removesuffix(" {"), {}
            else:
                knob, _, value = line.strip().partition(" ")
                knobs[knob] = value.strip('"')

    def picture(self, name: str) -> Picture:
        kind, sources, knobs = self.nodes[name]
        if kind == "Read":
            assert knobs["raw"] == "true"
            path = knobs["file"]
            return read(path % self.frame if "%" in path else path)
        if kind == "Constant":
            return np.asarray(self._mask if self._mask is not None else np.float32([1, 1, 1, 1]))
        inputs = [self.picture(source) for source in sources]
        result: Picture = inputs[0].copy()
        match kind:
            case "Unpremult":
                alpha = result[..., 3:]
                result[..., :3] /= np.where(alpha == 0, 1, alpha)
            case "MergeExpression":
                for index in range(3):
                    expression = knobs[f"expr{index}"]
                    result[..., index] = self._value(expression, inputs[0], inputs[1])
            case "Expression":
                for index in range(3):
                    if f"expr{index}" in knobs:
                        result[..., index] = self._value(knobs[f"expr{index}"], inputs[0])
            case "STMap":
                assert (knobs["filter"], knobs["uv"]) == ("Simon", "rgb")
                result[..., :3] = warped(result[..., :3], inputs[1])
            case "Merge2":
                result[..., :3] *= inputs[1][..., :3]
            case "Keymix":
                factor = inputs[2][..., 3:]
                if "mix" in knobs:
                    factor = factor * np.clip(self.intensity, 0, 1)
                result[..., :3] += factor * (inputs[1][..., :3] - result[..., :3])
            case "Copy":
                result[..., 3] = inputs[1][..., 3]
            case _:
                assert kind == "NoOp"
        return result

    def with_mask(self, mask: Picture) -> "NukeScript":
        self._mask = np.repeat(mask[..., None], 4, axis=2)
        return self

    def _value(self, expression: str, picture: Picture, other: Picture | None = None) -> Any:
        height, width = picture.shape[:2]
        y, x = np.mgrid[height - 1 : -1 : -1, :width]
        choice = re.fullmatch(r"(.*) \? (.*) : (.*)", expression)
        if choice:
            expression = "where({}, {}, {})".format(*choice.groups())
        names = dict(zip("rgba", np.moveaxis(picture, 2, 0).astype(np.float64), strict=True))
        if other is not None:
            names = {f"B{channel}": plane for channel, plane in names.items()}
            for channel, plane in zip("rgba", np.moveaxis(other, 2, 0), strict=True):
                names[f"A{channel}"] = plane.astype(np.float64)
        control = type("Control", (), {"intensity": self.intensity})
        known = {"pow": np.power, "where": np.where, "RegGAN": control}
        known |= {"x": x, "y": y, "width": width, "height": height}
        with np.errstate(invalid="ignore"):
            return eval(expression, {"__builtins__": {}}, {**known, **names})


class FusionComp:
    """A composition whose tools can be asked for their pictures."""

    def __init__(self, text: str) -> None:
        assert text.count("{") == text.count("}")
        tools = re.findall(r"^\t\t(\w+) = (\w+) \{\n(.*?)^\t\t\},$", text, re.M | re.S)
        self.tools = {name: (kind, body) for name, kind, body in tools}
        self.intensity, self.mask = 1.0, None

    def picture(self, name: str) -> Picture:
        kind, body = self.tools[name]
        if kind == "Loader":
            found = re.search(r'Filename = "(.*)"', body)
            assert found is not None
            return read(found[1])
        if kind == "Background":
            return np.asarray(self.mask if self.mask is not None else np.float32([[[1, 1, 1, 1]]]))
        images = re.findall(r'Image\d = Input \{ SourceOp = "(\w+)", Source = "Output", \}', body)
        pictures = [self.picture(image) for image in images]
        names = self._names(pictures)
        found_all = re.findall(r'(\w+)Expression = Input \{ Value = "(.*)", \}', body)
        expressions = dict(found_all)
        with np.errstate(invalid="ignore"):
            planes = [
                eval(expressions[c].replace("if(", "where("), {"__builtins__": {}}, names)
                for c in ("Red", "Green", "Blue", "Alpha")
            ]
        shape = pictures[0].shape[:2]
        return np.stack([np.broadcast_to(plane, shape) for plane in planes], axis=2)

    def _names(self, pictures: list[Picture]) -> dict[str, Any]:
        height, width = pictures[0].shape[:2]
        y, x = np.mgrid[height - 1 : -1 : -1, :width] + 0.5
        names: dict[str, Any] = {"x": x / width, "y": y / height, "n1": self.intensity}
        names |= {"pow": np.power, "where": np.where, "min": np.minimum, "max": np.maximum}
        for number, picture in enumerate(pictures, start=1):
            for index, channel in enumerate("rgba"):
                names[f"{channel}{number}"] = picture[..., index]
                names[f"get{channel}{number}d"] = _reader(picture[..., index])
        return names


def _reader(plane: np.ndarray) -> Any:
    return lambda x, y: warped(plane[..., None], np.stack([x, y], axis=2))[..., 0]
