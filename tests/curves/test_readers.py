"""Takes say the same in every format, and broken ones say what is wrong."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.take import Take, mirrored, names_from_column
from reggan_plugin.errors import MeshError, SourceError

from . import conftest as formats


def read(path: Path) -> Take:
    """A take, with the rate of the formats that hold no time."""
    return read_take(path, formats.FPS if path.name in formats.UNTIMED else None)


def weights_by_name(take: Take) -> dict[str, np.ndarray]:
    return {name: take.weights[:, place] for place, name in enumerate(take.names)}


def take_of(folder: Path, text: str) -> Take:
    path = folder / "a.csv"
    path.write_text(text)
    return read_take(path)


def test_every_format_gives_the_same_take(take_file: Path) -> None:
    take = read(take_file)
    found = weights_by_name(take)
    assert set(found) == set(formats.NAMES)
    for place, name in enumerate(formats.NAMES):
        np.testing.assert_allclose(found[name], formats.weights()[:, place], atol=1e-6)
    expected = np.arange(formats.ROWS) / formats.FPS
    np.testing.assert_allclose(take.times_s - take.times_s[0], expected, atol=1e-4)
    assert take.rate_fps == pytest.approx(formats.FPS, rel=1e-3)
    assert take.unknown == ()


def test_face_cap_is_known_by_its_rows_and_its_own_order(tmp_path: Path) -> None:
    weights = ",".join(["0.25", *["0"] * 50, "0.5"])
    path = tmp_path / "a.txt"
    path.write_text(f"recorded with an app\nk,0,{','.join(['0'] * 10)},{weights}\n")
    take = read_take(path)
    assert {name: float(v[0]) for name, v in weights_by_name(take).items() if v[0]} == {
        "browInnerUp": 0.25
    }
    assert "app's own order" in take.notes[0]


def test_a_vrm_animation_moves_shapes_and_expressions(tmp_path: Path) -> None:
    names = {"JawOpen": "custom", "blinkLeft": "preset"}
    formats.vrma(tmp_path / "wave.vrma", names=names)
    found = weights_by_name(read_take(tmp_path / "wave.vrma"))
    np.testing.assert_allclose(found["jawOpen"], formats.weights()[:, 0], atol=1e-6)
    np.testing.assert_allclose(found["blink left"], formats.weights()[:, 1], atol=1e-6)


def test_one_node_of_a_vrm_animation_may_move_several_expressions(tmp_path: Path) -> None:
    path = tmp_path / "wave.vrma"
    formats.vrma(path, names={"jawOpen": "custom", "happy": "preset"})
    path.write_bytes(path.read_bytes().replace(b'"happy": {"node": 1}', b'"happy": {"node": 0}'))
    found = weights_by_name(read_take(path))
    np.testing.assert_array_equal(found["happy"], found["jawOpen"])
    path.write_bytes(path.read_bytes().replace(b'"happy": {"node": 0}', b'"happy": {"node": 9}'))
    with pytest.raises(MeshError, match="'happy' is moved by node 9, which is none"):
        read_take(path)


def test_a_take_survives_our_own_format(take_file: Path, tmp_path: Path) -> None:
    take = read(take_file)
    again = take_of(tmp_path, csv_of_take(take))
    assert again.names == take.names
    np.testing.assert_array_equal(again.weights, take.weights)
    np.testing.assert_allclose(again.times_s, take.times_s - take.times_s[0], atol=1e-6)


def test_turns_of_the_head_stay_beside_the_weights(tmp_path: Path) -> None:
    text = 'frame,jawOpen,"m:headYaw",TongueOut,BlendShapeCount\n1,50,-0.25,30,61\n2,80,,40,61\n'
    take = take_of(tmp_path, text)
    again = csv_of_take(take)
    assert again == "frame,jawOpen,m:headYaw,TongueOut\n1,0.5,-0.25,0.3\n2,0.8,,0.4\n"
    assert csv_of_take(take_of(tmp_path, again)) == again


def test_turns_of_phone_takes_stay_beside_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    formats.ifacialmocap(path, 2)
    turns = read_take(path).beside
    assert turns["headRotX"].tolist() == [1.5, 1.5]
    assert turns["headRotY"].tolist() == [-2, -2]
    assert list(turns)[-3:] == ["leftEyeRotX", "leftEyeRotY", "leftEyeRotZ"]
    path.write_text(f"bs,jawOpen\nk,0,{','.join(map(str, range(10)))},0.5\n")
    assert {name: value for name, (value,) in read_take(path).beside.items()} == {
        **{f"head{one}": place for place, one in enumerate(("PosX", "PosY", "PosZ"))},
        **{f"headRot{axis}": place for place, axis in enumerate("XYZ", start=3)},
        **{"leftEyeRotX": 6, "leftEyeRotY": 7, "rightEyeRotX": 8, "rightEyeRotY": 9},
    }


def test_dropped_frames_are_named_and_leave_their_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    formats.live_link(path)
    lines = path.read_text().splitlines()
    lines[5] = lines[5].split(",")[0] + ",0"
    take = take_of(tmp_path, "\n".join(lines))
    assert len(take.times_s) == formats.ROWS - 1
    assert take.times_s[4] - take.times_s[3] == pytest.approx(2 / formats.FPS)
    assert take.rate_fps == pytest.approx(formats.FPS, rel=1e-3)
    assert "1 frames were dropped" in take.notes[0]


def test_a_few_large_weights_make_no_percents(tmp_path: Path) -> None:
    rows = [f"{at},{50 if at == 9 else 0.8}\n" for at in range(12)]
    take = take_of(tmp_path, "time,jawOpen\n" + "".join(rows))
    opened = weights_by_name(take)["jawOpen"]
    assert (opened[8], opened[9]) == (0.8, 1.5)
    assert any("1 of its 12 weights" in note for note in take.notes)


def test_percents_are_known_by_their_size(tmp_path: Path) -> None:
    percents = take_of(tmp_path, "time,jawOpen,mouthLeft\n0,0,0\n1,80,1.5\n")
    assert weights_by_name(percents)["jawOpen"].tolist() == [0.0, 0.8]
    assert any("percents" in note for note in percents.notes)
    still = read_take(tmp_path / "a.csv", holds_percents=True)
    assert weights_by_name(still)["mouthLeft"].tolist() == pytest.approx([0.0, 0.015])
    units = take_of(tmp_path, "time,jawOpen\n0,0\n1,1.2\n")
    assert weights_by_name(units)["jawOpen"].tolist() == [0.0, 1.2]


def test_what_is_out_of_range_is_clamped_and_counted(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,jawOpen\n0,-0.2\n1,1.8\n2,-0.0001\n")
    assert take.weights[:, 0].tolist() == [0.0, 1.5, 0.0]
    assert any(note.startswith("2 weights are below 0") for note in take.notes)


def test_rows_that_go_back_in_time_are_put_in_order_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("frame,jawOpen\n2,0.2\n1,0.1\n1,0.3\n3,0\n")
    take = read_take(tmp_path / "a.csv")
    assert take.weights[:, 0].tolist() == [0.1, 0.3, 0.2, 0]
    assert "2 rows are no later than the row before; they are put in order." in take.notes


def test_a_take_that_a_spreadsheet_saved_is_read_with_its_decimal_commas(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time;jawOpen;mouthSmile\n0;0,25;1\n0,5;0,5;0\n")
    assert take.names == ("jawOpen", "mouthSmileLeft", "mouthSmileRight")
    assert take.weights.tolist() == [[0.25, 1, 1], [0.5, 0, 0]]
    assert take.times_s.tolist() == [0, 0.5]
    tabs = take_of(tmp_path, "frame\tjawOpen\n1\t0.25\n2\t0.5\n")
    assert tabs.weights[:, 0].tolist() == [0.25, 0.5]


def test_gaps_are_filled_in_straight_lines(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,jawOpen\n0,0\n1\n2,nan\n3,0.9\n")
    assert take.weights[:, 0].tolist() == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert "1 of its rows have fewer values than its heading has names." in take.notes
    assert any(
        note.startswith("2 of its weights are blank, nan or infinite") for note in take.notes
    )


def test_weights_of_audio2face_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[0], [NaN], [0.6], [1e999]],'
        ' "numFrames": 500}'
    )
    take = read_take(tmp_path / "a.json")
    assert take.weights[:, 0].tolist() == pytest.approx([0.0, 0.3, 0.6, 0.6])
    assert "It has 4 rows, and its numFrames is 500." in take.notes
    assert any(
        note.startswith("2 of its weights are blank, nan or infinite") for note in take.notes
    )


def test_unknown_columns_are_listed_once_and_poses_not_at_all(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,jawOpen,earWiggle,HeadYaw,tongueOut,hat\n0,1,1,1,1,1\n")
    assert take.unknown == ("earWiggle", "hat")


def test_a_weight_of_neutral_is_not_left_out_in_silence(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,neutral,jawOpen\n0,1,0\n1,0.5,0.2\n")
    assert take.names == ("jawOpen",)
    assert "weights of neutral are left out" in " ".join(take.notes)
    of_mediapipe = take_of(tmp_path, "time,_neutral,jawOpen\n0,0.000003,0\n1,0.000002,0.2\n")
    assert not of_mediapipe.notes


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("JawOpen", ("jawOpen",)),
        ("blendShape1.mouthSmile_L", ("mouthSmileLeft",)),
        ("Face.M_F00_000_00_eyeBlinkR", ("eyeBlinkRight",)),
        ("head_geo:eyeBlink_Right", ("eyeBlinkRight",)),
        ("MouthLeft", ("mouthLeft",)),
        ("jawR", ("jawRight",)),
        ("browInnerUp_L", ("browInnerUp",)),
        ("cheekPuff_R", ("cheekPuff",)),
        ("Blink_L", ("blink left",)),
        ("aa", ("aa",)),
        ("HeadPitch", ()),
        ("leftEyeYaw", ()),
        ("tongueOut", ()),
        ("mouthSmile", ("mouthSmileLeft", "mouthSmileRight")),
        ("head_geo:eye_blink", ("eyeBlinkLeft", "eyeBlinkRight")),
        ("jawOpener", None),
        ("L", None),
    ],
)
def test_columns_are_known_however_tools_write_them(
    column: str, names: tuple[str, ...] | None
) -> None:
    assert names_from_column(column) == names


def test_both_halves_of_a_middle_shape_count_as_the_larger(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,browInnerUp_L,browInnerUp_R\n0,0.2,0.6\n1,0.5,0.1\n")
    assert weights_by_name(take)["browInnerUp"].tolist() == [0.6, 0.5]


def test_columns_that_name_one_shape_are_told_of(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_text("frame,jawOpen,JawOpen\n1,0.2,0.6\n2,0.3,0.1\n")
    take = read_take(path, rate_fps=25)
    assert take.notes == ("jawOpen and JawOpen all name jawOpen; the largest weight counts.",)
    np.testing.assert_allclose(take.weights[:, 0], [0.6, 0.3])


def test_blocked_weights_of_an_instanced_animation_in_usd_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "cast.usda").write_text(
        '#usda 1.0\n(timeCodesPerSecond = 1)\ndef Scope "cast" {\n  def SkelAnimation "face" {\n'
        '    uniform token[] blendShapes = ["jawOpen"]\n'
        "    float[] blendShapeWeights.timeSamples = {0: [0.2], 1: None, 2: [0.6]}\n  }\n}\n"
    )
    shot = tmp_path / "shot.usda"
    shot.write_text(
        "#usda 1.0\n(timeCodesPerSecond = 1)\n"
        'def "hero" (instanceable = true\n  references = @./cast.usda@</cast>) {}\n'
    )
    take = read_take(shot)
    np.testing.assert_allclose(weights_by_name(take)["jawOpen"], [0.2, 0.4, 0.6], atol=1e-6)
    assert take.notes[0].startswith("1 of its weights are blank")


def test_of_meshes_with_a_shape_of_one_name_the_largest_weight_counts(tmp_path: Path) -> None:
    path, keys = tmp_path / "a.gltf", np.array([[0.0, 0.2, 0], [1.0, 0.2, 0]])
    formats.gltf(path, output=keys, times=np.array([0.0, 1.0]))
    document = json.loads(path.read_text())
    still, tables = formats.packed([np.float32([0, 1]), np.float32([0.5, 0.2, 0.5, 0.2])])
    uri = "data:application/octet-stream;base64," + base64.b64encode(still).decode()
    document["buffers"].append({"byteLength": len(still), "uri": uri})
    for kind, place in (("bufferViews", "buffer"), ("accessors", "bufferView")):
        more = len(document[kind]) if place == "bufferView" else 1
        document[kind] += [{**one, place: one[place] + more} for one in tables[kind]]
    document["meshes"].append({"primitives": [], "extras": {"targetNames": formats.NAMES[:2]}})
    document["nodes"].append({"mesh": 1})
    animation = document["animations"][0]
    animation["samplers"].append({"input": 2, "output": 3})
    animation["channels"].append({"sampler": 1, "target": {"node": 1, "path": "weights"}})
    for _ in range(2):  # in either order
        path.write_text(json.dumps(document))
        take = read_take(path)
        assert weights_by_name(take)["jawOpen"].tolist() == [0.5, 1.0]
        told = "Its meshes have different weights of jawOpen; the largest weight counts."
        assert take.notes == (told,)
        animation["channels"].reverse()


def test_steps_hold_and_splines_bend(tmp_path: Path) -> None:
    path, times = tmp_path / "a.gltf", np.array([0.0, 1.0, 2.0])
    keys = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.5, 0, 0]])
    formats.gltf(path, interpolation="STEP", output=keys, times=times)
    take = read_take(path)
    jaw = weights_by_name(take)["jawOpen"]
    held = np.interp([0.0, 0.99, 1.0, 1.99, 2.0], take.times_s, jaw)
    assert held.tolist() == pytest.approx([0.0, 0.0, 1.0, 1.0, 0.5])
    flat = np.zeros((3, 3, 3))  # [key, (arriving, value, leaving), target]
    flat[:, 1] = keys
    formats.gltf(path, interpolation="CUBICSPLINE", output=flat, times=times)
    take = read_take(path)
    t = np.array([0.125, 0.5, 0.875])  # with no slope at its keys it is the smooth step
    bent = np.interp(t, take.times_s, weights_by_name(take)["jawOpen"])
    np.testing.assert_allclose(bent, 3 * t**2 - 2 * t**3, atol=1e-6)


def test_keys_out_of_order_and_unknown_interpolation_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gltf"
    formats.gltf(path, output=np.zeros((3, 3)), times=np.array([2.0, 1.0, 0.0]))
    with pytest.raises(SourceError, match="not in the order of their times"):
        read_take(path)
    formats.gltf(path, interpolation="BEZIER")
    with pytest.raises(SourceError, match="interpolated by 'BEZIER', expected one of LINEAR"):
        read_take(path)


def test_sides_are_exchanged_all_or_the_mouths_alone(tmp_path: Path) -> None:
    take = take_of(tmp_path, "time,mouthLeft,eyeBlinkLeft,jawOpen\n0,1,1,1\n")
    assert mirrored(take) == ("mouthRight", "eyeBlinkRight", "jawOpen")
    assert mirrored(take, mouth_alone=True) == ("mouthRight", "eyeBlinkLeft", "jawOpen")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "", "it is empty"),
        ("a.csv", "jawOpen\n1\n", "expected Timecode, frame or time among them"),
        ("a.csv", "frame,expression,value\n1,happy,1\n", "it is an intensity curve"),
        ("a.csv", "time,jawOpen,jawOpen\n0,1,1\n", "'jawOpen' twice"),
        ("a.csv", "time,jawOpen\n0,x\n", "line 2, column 2 is 'x', no number"),
        ("a.csv", "time,jawOpen\nx,1\n", "line 2 has the time 'x'"),
        ("a.csv", "time,jawOpen\n0,inf\n", "is infinite"),
        ("a.csv", "time,jawOpen\n1e300,1\n", "line 2 has the time '1e300'"),
        ("a.csv", "time,jawOpen\n0,1,5\n", "line 2 has more values than its heading"),
        ("a.csv", "Timecode,jawOpen\n00:61:00:00,1\n", "expected HH:MM:SS:FF"),
        ("a.csv", "time,jawOpen\n", "holds 0 rows"),
        ("a.csv", "time,ears\n0,1\n", "names no face shape; it has ears"),
        ("a.txt", "jawOpen-10|nonsense|\n", "line 1 holds 'nonsense'"),
        ("a.txt", "=head#0,0,0|\n", "holds no weight such as jawOpen-12"),
        ("a.txt", "k,0,0,0\n", "its rows have 3 numbers; expected 63"),
        ("a.txt", "k,0,1\nk,1\n", "line 2 has 1 numbers, the first has 2"),
        ("a.json", "{}", "no facsNames and weightMat"),
        ("a.json", '{"facsNames": ["jawOpen"], "weightMat": [[0]]}', "exportFps is None"),
        (
            "a.json",
            '{"exportFps": "30", "facsNames": ["jawOpen"], "weightMat": [[0]]}',
            "exportFps is '30', no number",
        ),
        (
            "a.json",
            '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[0], [0, 1]]}',
            "rows have different lengths",
        ),
        (
            "a.json",
            '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[0, 1]]}',
            "shape (1, 2), and it names 1 poses",
        ),
        (
            "a.json",
            '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[null], [true]]}',
            "holds what is no number",
        ),
        ("a.gltf", '{"asset": {"version": "2.0"}}', "moves a morph target that has a name"),
        ("a.gltf", "{", "broken glTF"),
        ("a.usda", "nonsense", "cannot be opened as USD: "),
        ("a.usda", '#usda 1.0\ndef "A" { int[] a = [1, }', "a.usda:2:"),
        ("a.usda", '#usda 1.0\ndef Scope "a" {}\n', "holds no SkelAnimation"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        read_take(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "pxr" not in str(caught.value), "names of a library's source"


def test_a_rate_below_the_timecodes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    formats.live_link(path)
    with pytest.raises(SourceError, match="count to frame 58 of a second"):
        read_take(path, 24.0)
    assert read_take(path, 120.0).rate_fps == pytest.approx(60, rel=1e-3)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SourceError, match="cannot be read as a take"):
        read_take(path)
