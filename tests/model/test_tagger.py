"""model/tagger.py: texts to probabilities to genres."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from genre_batch.errors import ModelError
from genre_batch.model.metadata import write_metadata
from genre_batch.model.tagger import MODEL_VARIABLE, GenreTagger, default_model
from support import tiny
from support.places import ROOT

TEXTS = st.lists(
    st.one_of(st.none(), st.lists(st.sampled_from([*tiny.WORDS, "the", ""])).map(" ".join)),
    max_size=12,
)


def test_a_word_of_a_genre_predicts_it(tagger: GenreTagger) -> None:
    assert tagger.tag(["a robot", "Laugh!", "robot robot fight", "the"]) == [
        ["Science Fiction"],
        ["Comedy"],
        ["Science Fiction"],
        [],
    ]


def test_probabilities_are_the_sigmoid_of_the_logits(tagger: GenreTagger) -> None:
    probabilities = tagger.predict_proba(["laugh"])
    low, high = 1 / (1 + np.exp(6.0)), 1 / (1 + np.exp(-6.0))
    assert probabilities.dtype == np.float32
    assert probabilities.tolist() == [pytest.approx([low, high, low, low])]


def test_no_text_gives_a_row_of_nan_and_no_genres(tagger: GenreTagger) -> None:
    texts = ["cry", None, "  "]
    assert np.isnan(tagger.predict_proba(texts)).all(axis=1).tolist() == [False, True, True]
    assert tagger.tag(texts) == [["Drama"], None, None]


def test_no_texts_give_no_rows(tagger: GenreTagger) -> None:
    assert tagger.predict_proba([]).shape == (0, 4)
    assert tagger.tag([]) == []


def test_titles_are_read_by_a_model_that_was_trained_with_them(tagger: GenreTagger) -> None:
    assert tagger.tag(["the", "the"], titles=["Robot robot", None]) == [["Science Fiction"], []]


def test_labels_and_thresholds_are_the_model_s(tagger: GenreTagger) -> None:
    assert tagger.labels == tiny.LABELS
    assert tagger.thresholds.tolist() == [0.5] * 4


def test_conditional_thresholds_decide_and_the_plain_ones_stay(conditional_model: Path) -> None:
    tagger = GenreTagger.load(conditional_model)
    assert tagger.thresholds.tolist() == [0.5] * 4
    texts = ["cry cry laugh", "laugh the", "laugh", None]
    assert tagger.tag(texts) == [["Drama", "Comedy"], [], ["Comedy"], None]


@settings(max_examples=40)
@given(TEXTS, st.randoms(use_true_random=False))
def test_a_row_s_result_does_not_depend_on_its_neighbours(
    tagger: GenreTagger, texts: list[str | None], random: object
) -> None:
    together = tagger.predict_proba(texts)
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = tagger.predict_proba([texts[at] for at in order])
    assert shuffled.tobytes() == together[order].tobytes()
    for at, text in enumerate(texts):
        assert tagger.predict_proba([text]).tobytes() == together[at : at + 1].tobytes()


def test_rows_of_a_graph_that_scales_by_the_batch_go_through_it_alone(tmp_path: Path) -> None:
    model = tiny.graph()
    first, *rest = model.graph.node
    rounded = [
        helper.make_node("DynamicQuantizeLinear", ["rows"], ["bytes", "step", "zero"]),
        helper.make_node("DequantizeLinear", ["bytes", "step", "zero"], ["rounded"]),
    ]
    rest[-2].input[1] = "rounded"
    nodes = [first, *rounded, *rest]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    write_metadata(model, tiny.metadata())
    path = tmp_path / "dynamic.onnx"
    onnx.save(model, path)
    tagger = GenreTagger.load(path)
    together = tagger.predict_proba(["the", "laugh", "old"])
    assert together[:1].tobytes() == tagger.predict_proba(["the"]).tobytes()
    assert together[2].tobytes() == together[0].tobytes()


def test_the_number_of_threads_changes_nothing(tiny_model: Path) -> None:
    texts = ["laugh robot", "cry", "fight the robot", "laugh"] * 25
    one, four = (GenreTagger.load(tiny_model, threads=threads) for threads in (1, 4))
    assert one.predict_proba(texts).tobytes() == four.predict_proba(texts).tobytes()


def test_the_model_is_the_one_the_environment_names(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_model))
    assert default_model() == tiny_model
    assert GenreTagger.load().labels == tiny.LABELS


def test_without_one_the_model_is_the_shipped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    assert default_model().name == "genre-batch.onnx"
    assert default_model().stat().st_size < 26_000_000


def test_python_started_in_a_checkout_finds_the_checkout_s_model() -> None:
    """There `import genre_batch` takes the checkout's modules, installed or not."""
    path = subprocess.run(
        [
            sys.executable,
            "-c",
            "from genre_batch.model.tagger import default_model as m; print(m().resolve())",
        ],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != MODEL_VARIABLE},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert Path(path) == ROOT / "export" / "genre-batch.onnx"


def _write(path: Path, model: onnx.ModelProto) -> Path:
    write_metadata(model, tiny.metadata())
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_that_onnxruntime_refuses_is_refused_in_one_line(tmp_path: Path) -> None:
    model = tiny.graph()
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(ModelError, match="onnxruntime cannot load the model") as refused:
        GenreTagger.load(_write(tmp_path / "m.onnx", model))
    assert "\n" not in str(refused.value)


def test_a_graph_with_fewer_logits_than_labels_is_refused(tmp_path: Path) -> None:
    tagger = GenreTagger.load(_write(tmp_path / "m.onnx", tiny.graph(width=3)))
    with pytest.raises(ModelError, match="not one for each of 4 labels"):
        tagger.predict_proba(["laugh"])


def test_logits_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = tiny.graph()
    table = onnx.numpy_helper.from_array(np.full((6, 4), np.nan, np.float32), "table")
    model.graph.initializer[0].CopyFrom(table)
    tagger = GenreTagger.load(_write(tmp_path / "m.onnx", model))
    with pytest.raises(ModelError, match="not finite"):
        tagger.predict_proba(["laugh"])
