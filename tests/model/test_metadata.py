"""model/metadata.py: what a model file carries, and which files are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from genre_batch.errors import ModelError, UsageError
from genre_batch.model import metadata as module
from genre_batch.model.metadata import (
    FORMAT_VERSION,
    KEYS,
    ConditionalThreshold,
    ModelMetadata,
    read_model_file,
)
from support import tiny
from support.places import ROOT

CONDITIONAL = {
    "Comedy": ConditionalThreshold("Drama", absent=0.7, present=0.1),
    "Drama": ConditionalThreshold("Comedy", absent=0.25, present=None),
}
ON_DRAMA = {"given": "Drama", "absent": 0.7, "present": 0.1}


def test_metadata_is_read_as_it_was_written() -> None:
    written = tiny.metadata(metrics={"test": {"macro_f1": 0.5}})
    read = ModelMetadata.from_props(written.to_props(), "m.onnx")
    assert read.training_text_keys.tolist() == [1, 2, 3]
    for field in ("labels", "thresholds", "operating_points", "tokenizer", "max_length"):
        assert getattr(read, field) == getattr(written, field)
    assert read.metrics == written.metrics
    assert read.provenance == written.provenance


def test_conditional_thresholds_are_read_as_they_were_written() -> None:
    written = tiny.metadata(conditional_thresholds=CONDITIONAL)
    props = written.to_props()
    assert json.loads(props["genre_batch.conditional_thresholds"])["Comedy"] == ON_DRAMA
    read = ModelMetadata.from_props(props, "m.onnx")
    assert read.conditional_thresholds == CONDITIONAL
    assert read.thresholds == written.thresholds
    assert read.to_props() == props


def test_a_reader_without_conditional_thresholds_refuses_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    props = tiny.metadata(conditional_thresholds=CONDITIONAL).to_props()
    monkeypatch.setattr(module, "FORMAT_VERSION", 1)
    with pytest.raises(ModelError, match="has format_version 2, this genre-batch reads up to 1"):
        ModelMetadata.from_props(props, "m.onnx")


def test_a_file_without_conditional_thresholds_has_format_version_1() -> None:
    props = tiny.metadata().to_props()
    assert props["genre_batch.format_version"] == "1"
    assert set(props) == {f"genre_batch.{key}" for key in (*KEYS, "text_key_version")}


def test_the_shipped_model_s_metadata_round_trips_byte_for_byte() -> None:
    model = onnx.load(ROOT / "export" / "genre-batch.onnx")
    held = [(prop.key, prop.value) for prop in model.metadata_props]
    assert list(ModelMetadata.from_props(dict(held), "shipped").to_props().items()) == held


def test_conditional_thresholds_and_the_format_version_go_together(tmp_path: Path) -> None:
    held: dict[str, object] = {"conditional_thresholds": {"Comedy": ON_DRAMA}}
    path = tiny.write_model(tmp_path / "m.onnx", props=held)
    with pytest.raises(ModelError, match="which format_version 1 does not have: make it again"):
        read_model_file(path)
    path = tiny.write_model(tmp_path / "m.onnx", props={"format_version": 2})
    with pytest.raises(
        ModelError, match=r"missing metadata key genre_batch\.conditional_thresholds"
    ):
        read_model_file(path)
    path = tiny.write_model(tmp_path / "m.onnx", props={"format_version": 2, **held})
    assert read_model_file(path).metadata.conditional_thresholds["Comedy"].present == 0.1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "conditional_thresholds is not an object of labels"),
        ([], "is not an object of labels"),
        ({}, "is not an object of labels"),
        ({"Noir": ON_DRAMA}, "of 'Noir': not a label"),
        ({"Comedy": [0.7, 0.1]}, "of 'Comedy': the keys are not given, absent and present"),
        ({"Comedy": {"given": "Drama", "absent": 0.7}}, "are not given, absent and present"),
        ({"Comedy": ON_DRAMA | {"else": 1}}, "are not given, absent and present"),
        ({"Comedy": ON_DRAMA | {"given": "Noir"}}, "given is not another label"),
        ({"Comedy": ON_DRAMA | {"given": "Comedy"}}, "given is not another label"),
        ({"Comedy": ON_DRAMA | {"given": ["Drama"]}}, "given is not another label"),
        ({"Comedy": ON_DRAMA | {"absent": 1.5}}, "are not numbers from 0 to 1"),
        ({"Comedy": ON_DRAMA | {"present": float("nan")}}, "are not numbers from 0 to 1"),
        ({"Comedy": ON_DRAMA | {"present": True}}, "are not numbers from 0 to 1"),
        ({"Comedy": ON_DRAMA | {"absent": "0.7"}}, "are not numbers from 0 to 1"),
        ({"Comedy": ON_DRAMA | {"absent": None, "present": None}}, "one of them may be null"),
    ],
)
def test_invalid_conditional_thresholds_are_refused(value: object, message: str) -> None:
    props = tiny.metadata(conditional_thresholds=CONDITIONAL).to_props()
    props["genre_batch.conditional_thresholds"] = json.dumps(value)
    with pytest.raises(ModelError, match=message) as refused:
        ModelMetadata.from_props(props, "m.onnx")
    assert str(refused.value).startswith("m.onnx: invalid metadata: ")
    assert "\n" not in str(refused.value)


def test_a_model_file_has_its_hash(tiny_model: Path) -> None:
    file = read_model_file(tiny_model)
    assert len(file.sha256) == 64
    assert file.metadata.labels == tiny.LABELS


CALIBRATION = {label: (1.5, -0.25 * index) for index, label in enumerate(tiny.LABELS)}


def test_a_calibration_is_read_as_it_was_written_and_keeps_the_format(tmp_path: Path) -> None:
    props = tiny.metadata(calibration=tuple(CALIBRATION.values())).to_props()
    assert json.loads(props["genre_batch.calibration"])["Comedy"] == [1.5, -0.25]
    assert props["genre_batch.format_version"] == "1"
    read = ModelMetadata.from_props(props, "m.onnx")
    assert read.calibration == tuple(CALIBRATION.values())
    assert read.to_props() == props
    assert read_model_file(tiny.write_model(tmp_path / "m.onnx")).metadata.calibration == ()


@pytest.mark.parametrize("entries", [1, len(CALIBRATION) - 1, len(CALIBRATION) + 1])
def test_a_calibration_of_the_wrong_length_is_refused_before_it_is_written(entries: int) -> None:
    calibration = ((1.5, -0.25),) * entries
    metadata = tiny.metadata(calibration=calibration)
    with pytest.raises(UsageError, match=r"`calibration` has \d+ pairs? for \d+ labels: give one"):
        metadata.to_props()


def test_a_label_that_is_renamed_keeps_its_calibration() -> None:
    labels = ("Fights", *tiny.LABELS[1:])
    metadata = tiny.metadata(calibration=tuple(CALIBRATION.values()))
    renamed = replace(metadata, labels=labels, operating_points={})
    assert (
        ModelMetadata.from_props(renamed.to_props(), "m.onnx").calibration == metadata.calibration
    )


@pytest.mark.parametrize(
    "value",
    [
        [1, 0],
        {"Comedy": [1, 0]},
        {**CALIBRATION, "Horror": [1, 0]},
        *(
            {**CALIBRATION, "Drama": entry}
            for entry in (
                *([0, 0], [-1, 0], [1], [1, 0, 0], [True, 0], ["1", 0], [1, None], None, 1.0),
                *([1e300, 0], [1, -1e300], [float("nan"), 0], [1, float("inf")]),
            )
        ),
    ],
    ids=str,
)
def test_an_invalid_calibration_is_refused(tmp_path: Path, value: object) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", props={"calibration": value})
    with pytest.raises(ModelError, match=r"invalid metadata: calibration .*: export"):
        read_model_file(path)


def test_optional_keys_are_read_as_they_were_written() -> None:
    columns = {"text": "abstract", "title": None, "genres": "fields", "separator": " "}
    written = tiny.metadata(columns=columns, row_name="papers", text_key_version=1)
    read = ModelMetadata.from_props(written.to_props(), "m.onnx")
    assert (read.columns, read.row_name, read.text_key_version) == (columns, "papers", 1)


def test_a_file_without_optional_keys_has_films_and_keys_of_version_1(tmp_path: Path) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", without="text_key_version")
    read = read_model_file(path).metadata
    assert (read.columns, read.row_name, read.text_key_version) == ({}, "films", 1)


def test_newer_text_keys_are_refused_with_both_versions(tmp_path: Path) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", props={"text_key_version": 3})
    with pytest.raises(ModelError, match="text_key_version 3, this genre-batch reads 1 and 2"):
        read_model_file(path)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", without=key)
    with pytest.raises(ModelError, match=f"missing metadata key genre_batch.{key}:"):
        read_model_file(path)


def test_a_newer_format_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", props={"format_version": FORMAT_VERSION + 1})
    with pytest.raises(ModelError, match=r"format_version 3, this genre-batch reads up to 2"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format_version", "one"),
        ("labels", []),
        ("labels", ["Drama", "Drama", "Action", "Comedy"]),
        ("labels", "Drama"),
        ("thresholds", [0.5, 0.5]),
        ("thresholds", [0.5, 0.5, 0.5, 1.5]),
        ("thresholds", [0.5, 0.5, 0.5, None]),
        ("max_length", 0),
        ("max_length", 10**9),
        ("max_length", "many"),
        ("text_template", "{plot}"),
        ("text_template", 7),
        ("training_text_keys", "no base64!"),
        ("training_text_keys", "AAA="),
        ("operating_points", []),
        ("operating_points", {"f1": {"thresholds": [0.5]}}),
        ("text_key_version", "2"),
        ("text_key_version", True),
        ("columns", []),
        ("columns", {"text": 1}),
        ("columns", {"plot": "plot"}),
        ("row_name", ""),
        ("row_name", "a\nb"),
        ("row_name", ["papers"]),
        ("metrics", []),
        ("provenance", 3),
    ],
)
def test_invalid_values_are_refused(tmp_path: Path, key: str, value: object) -> None:
    path = tiny.write_model(tmp_path / "m.onnx", props={key: value})
    with pytest.raises(ModelError) as refused:
        read_model_file(path)
    assert "\n" not in str(refused.value)


def test_metadata_that_is_not_json_is_refused(tmp_path: Path) -> None:
    model = onnx.load(tiny.write_model(tmp_path / "m.onnx"))
    next(prop for prop in model.metadata_props if prop.key == "genre_batch.labels").value = "[oops"
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"genre_batch\.labels is not valid JSON"):
        read_model_file(tmp_path / "m.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)) * 40])
def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        read_model_file(path)


def test_a_truncated_model_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes(tiny_model.read_bytes()[:-200])
    with pytest.raises(ModelError):
        read_model_file(path)


def test_a_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    model = onnx.load(tiny.write_model(tmp_path / "m.onnx"))
    model.graph.input[0].name = "pixels"
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="pixels"):
        read_model_file(tmp_path / "m.onnx")


def test_a_missing_model_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such model"):
        read_model_file(tmp_path / "none.onnx")
