"""A run becomes one ONNX file that predicts what the checkpoint predicts, or no file at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import (
    GenreBatchWarning,
    OutputExistsError,
    TrainingError,
    UsageError,
)
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.exporting.export import PRECISIONS, ExportJob, export_onnx
from genre_batch.exporting.held_out import HeldOut, Loss
from genre_batch.model.metadata import KEYS, PREFIX, ModelMetadata, read_model_file
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import TITLE_AND_OVERVIEW
from genre_batch.thresholds.methods import DEFAULT_METHOD, find_thresholds
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import TrainResult, train

# Measured on AVX-512 VNNI: 6e-8 and 1e-2; older processors saturate some int8 products.
TOLERANCE = {"fp32": 1e-5, "int8": 0.1}
by_precision = pytest.mark.parametrize("precision", PRECISIONS)


def _metadata(path: Path) -> ModelMetadata:
    return read_model_file(path).metadata


def _checkpoint_probabilities(run: Path, texts: list[str]) -> npt.NDArray[np.float32]:
    return predict(*load_checkpoint(run), texts, max_length=32)


@by_precision
def test_the_file_needs_nothing_beside_it(
    exported: dict[str, Path], films: Dataset, tmp_path: Path, precision: str
) -> None:
    alone = shutil.copy(exported[precision], tmp_path / "alone.onnx")
    expected = GenreTagger.load(exported[precision]).predict_proba(films.texts)
    np.testing.assert_array_equal(GenreTagger.load(alone).predict_proba(films.texts), expected)
    tensors = onnx.load(alone, load_external_data=False).graph.initializer
    assert {tensor.data_location for tensor in tensors} == {onnx.TensorProto.DEFAULT}


def test_only_the_output_is_written(exported: dict[str, Path]) -> None:
    folder = exported["int8"].parent
    assert {path.name for path in folder.iterdir()} == {"int8.onnx", "fp32.onnx"}


@by_precision
def test_the_file_carries_every_metadata_key(exported: dict[str, Path], precision: str) -> None:
    props = onnx.load(exported[precision]).metadata_props
    assert {prop.key for prop in props} == {
        PREFIX + key for key in (*KEYS, "calibration", "text_key_version", "columns", "language")
    }


@by_precision
def test_the_metadata_are_the_run_s(
    exported: dict[str, Path], run: Path, films: Dataset, precision: str
) -> None:
    metadata = _metadata(exported[precision])
    assert metadata.labels == tuple(films.names)
    assert metadata.tokenizer == load_checkpoint(run)[1].backend_tokenizer.to_str()
    assert (metadata.max_length, metadata.text_template) == (32, TITLE_AND_OVERVIEW)
    assert metadata.provenance["precision"] == precision
    assert metadata.provenance["shape"] == [2, 32, 2, 64]
    assert metadata.provenance["data"][0]["sha256"] == films.sha256


@pytest.mark.parametrize("name", ["model", "model.bin", "onnx"])
def test_a_name_that_no_command_takes_for_a_model_is_refused(
    run: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match=f"must end with .onnx: .*{name}.onnx"):
        export_onnx(ExportJob(run, tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_the_keys_of_every_film_trained_on_are_carried_the_extra_ones_too(
    exported: dict[str, Path], run: Path, films: Dataset
) -> None:
    extra = read_dataset(run / "extra_train.parquet")
    trained = set(films.part("train").keys.tolist()) | set(extra.keys.tolist())
    assert _metadata(exported["int8"]).training_text_keys.tolist() == sorted(trained)
    assert not trained & set(films.part("dev", "test").keys.tolist())


@by_precision
def test_probabilities_are_the_checkpoint_s_or_near_them(
    exported: dict[str, Path], run: Path, films: Dataset, precision: str
) -> None:
    expected = _checkpoint_probabilities(run, films.texts)
    probabilities = GenreTagger.load(exported[precision]).predict_proba(films.texts)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE[precision])


@by_precision
def test_a_catalog_s_titles_and_overviews_give_the_texts_trained_on(
    exported: dict[str, Path], films: Dataset, precision: str
) -> None:
    tagger = GenreTagger.load(exported[precision])
    titles = [text.split(". ", 1)[0] for text in films.texts]
    np.testing.assert_array_equal(
        tagger.predict_proba(films.bare_texts, titles), tagger.predict_proba(films.texts)
    )


@by_precision
def test_thresholds_are_tuned_again_on_the_file_s_own_probabilities(
    exported: dict[str, Path], films: Dataset, precision: str
) -> None:
    tagger, development = GenreTagger.load(exported[precision]), films.part("dev")
    probabilities = tagger.predict_proba(development.texts)
    expected = find_thresholds(DEFAULT_METHOD, probabilities, development.labels)
    assert tagger.thresholds.tolist() == expected.tolist()
    point = tagger.metadata.operating_points["balanced"]
    assert list(point.thresholds) == expected.tolist()
    predicted, truth = probabilities >= expected, development.labels.astype(bool)
    hits = (predicted & truth).sum()
    assert point.precision == pytest.approx(hits / predicted.sum(), abs=1e-4)
    assert point.recall == pytest.approx(hits / truth.sum(), abs=1e-4)


@by_precision
def test_metrics_are_measured_on_the_file_with_its_own_thresholds(
    exported: dict[str, Path], films: Dataset, precision: str
) -> None:
    tagger = GenreTagger.load(exported[precision])
    for part in ("dev", "test"):
        held_out = films.part(part)
        for variant, texts in (
            ("title_and_overview", held_out.texts),
            ("overview", held_out.bare_texts),
        ):
            probabilities = tagger.predict_proba(texts)
            scores = score_predictions(
                held_out.labels, probabilities, tagger.thresholds, films.names
            )
            assert tagger.metadata.metrics[part][variant] == scores.as_dict()


def test_eight_bits_make_a_smaller_file(exported: dict[str, Path]) -> None:
    assert exported["int8"].stat().st_size < exported["fp32"].stat().st_size


def test_eight_bits_are_in_every_weight_but_the_head_s_and_the_layer_norms(
    exported: dict[str, Path],
) -> None:
    graph = onnx.load(exported["int8"]).graph
    products = [node.name for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
    # Per layer: query, key and value in one, output, and the two of the feed-forward net.
    assert len(products) == 2 * 4
    assert not any("classifier" in name for name in products)
    matrices = [t for t in graph.initializer if len(t.dims) == 2 and min(t.dims) > 1]
    in_float = [tensor.name for tensor in matrices if tensor.data_type == onnx.TensorProto.FLOAT]
    assert len(matrices) == 2 * 4 + 4
    assert all("classifier" in name for name in in_float)


@by_precision
def test_the_result_and_the_file_have_the_loss_against_the_checkpoint(
    run: Path, films: Dataset, tmp_path: Path, precision: str
) -> None:
    stages: list[str] = []
    job = ExportJob(run, tmp_path / "model.onnx", precision, max_loss=20)
    result = export_onnx(job, lambda done, total, stage: stages.append(stage))
    metadata = _metadata(result.output)
    difference = _checkpoint_probabilities(run, films.part("dev", "test").texts)
    difference -= GenreTagger.load(result.output).predict_proba(films.part("dev", "test").texts)
    assert result.metrics == metadata.metrics
    assert metadata.metrics["export"]["precision"] == precision
    assert metadata.metrics["export"]["macro_f1_loss_points_cross_fitted"] == pytest.approx(
        result.loss_points, abs=1e-3
    )
    assert metadata.metrics["export"]["mean_probability_difference"] == pytest.approx(
        np.abs(difference).mean(), abs=1e-5
    )
    assert result.size == result.output.stat().st_size
    assert stages == [
        "exporting the graph",
        "checking it against the checkpoint",
        "tuning the thresholds",
    ]


def test_the_same_run_gives_the_same_bytes_and_the_date_is_source_date_epoch_s(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    one, other = (
        export_onnx(ExportJob(run, tmp_path / name, max_loss=20)).output
        for name in ("one.onnx", "other.onnx")
    )
    assert one.read_bytes() == other.read_bytes()
    assert _metadata(one).provenance["date"] == "1970-01-02"


def test_a_model_that_pools_the_first_token_agrees_with_its_checkpoint(
    job: Callable[..., TrainJob], films: Dataset, options: TrainingOptions, tmp_path: Path
) -> None:
    first = options.changed(epochs=1, pooling="first")
    run = train(job(tmp_path / "run", options=first)).folder
    for precision in PRECISIONS:
        path = tmp_path / f"{precision}.onnx"
        export_onnx(ExportJob(run, path, precision, max_loss=100))
        np.testing.assert_allclose(
            GenreTagger.load(path).predict_proba(films.texts),
            _checkpoint_probabilities(run, films.texts),
            rtol=0,
            atol=TOLERANCE[precision],
        )


@by_precision
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_film_s_probabilities_do_not_depend_on_the_other_films(
    exported: dict[str, Path], films: Dataset, precision: str, threads: int
) -> None:
    texts = [*films.texts[:30], "ghost", "kiss " * 40, "", "unheard of"]
    expected = GenreTagger.load(exported[precision], threads=1).predict_proba(texts)
    tagger = GenreTagger.load(exported[precision], threads=threads)
    together, reversed_ = tagger.predict_proba(texts), tagger.predict_proba(texts[::-1])
    alone = np.concatenate([tagger.predict_proba([text]) for text in texts])
    for probabilities in (together, reversed_[::-1], alone):
        assert probabilities.tobytes() == expected.tobytes()


def test_losing_more_than_allowed_writes_nothing_and_leaves_nothing(
    run: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"more than `max_loss` \(-100\): nothing was written"):
        export_onnx(ExportJob(run, tmp_path / "model.onnx", max_loss=-100))
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_may_be_chance_on_few_films_is_only_warned_of(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for low, refused in ((-0.4, False), (0.3, True)):
        loss = Loss(1.5, (low, 3.4))
        monkeypatch.setattr(HeldOut, "cross_fitted_loss", lambda self, method, loss=loss: loss)
        job = ExportJob(run, tmp_path / f"{refused}.onnx", "fp32")
        if refused:
            with pytest.raises(TrainingError, match=r"loses 1\.50 points .*0\.30 to 3\.40"):
                export_onnx(job)
        else:
            with pytest.warns(GenreBatchWarning, match="may be chance on so few films"):
                assert export_onnx(job).loss_interval == (low, 3.4)
    assert [path.name for path in tmp_path.iterdir()] == ["False.onnx"]


def test_losing_more_than_allowed_keeps_an_existing_file(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    output.write_text("mine")
    with pytest.raises(TrainingError, match="nothing was written"):
        export_onnx(ExportJob(run, output, "fp32", max_loss=-100, force=True))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_an_existing_file_is_overwritten_only_by_force(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    output.write_text("mine")
    with pytest.raises(OutputExistsError, match="exists: add `force`") as raised:
        export_onnx(ExportJob(run, output))
    assert raised.value.exit_code == 1
    assert output.read_text() == "mine"
    export_onnx(ExportJob(run, output, "fp32", max_loss=20, force=True))
    assert GenreTagger.load(output).labels == ("Action", "Comedy", "Horror", "Romance")


def test_a_file_of_the_run_is_never_overwritten(run: Path) -> None:
    with pytest.raises(UsageError, match=r"`output`: .*model\.safetensors is one of the inputs"):
        export_onnx(ExportJob(run, run / "model.safetensors", force=True))


def test_an_output_that_is_a_folder_is_refused_even_by_force(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: name a file in it"):
        export_onnx(ExportJob(run, tmp_path, force=True))


def test_an_output_in_a_missing_folder_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        export_onnx(ExportJob(run, tmp_path / "none" / "model.onnx"))


def test_a_folder_that_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run folder"):
        export_onnx(ExportJob(tmp_path, tmp_path / "model.onnx"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["metrics.json", "thresholds.json", "model.safetensors"])
def test_a_run_that_is_not_finished_is_refused(
    report: TrainResult, tmp_path: Path, missing: str
) -> None:
    unfinished = shutil.copytree(report.folder, tmp_path / "run")
    (unfinished / missing).unlink()
    with pytest.raises(
        TrainingError, match=r"(is not a finished run|does not hold a finished model)"
    ):
        export_onnx(ExportJob(unfinished, tmp_path / "model.onnx"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_unknown_precision_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`precision` must be one of int8, fp32, got 'int4'"):
        ExportJob(run, tmp_path / "model.onnx", "int4")


def test_paths_may_be_strings(run: Path, tmp_path: Path) -> None:
    result = export_onnx(ExportJob(str(run), str(tmp_path / "model.onnx"), "fp32", max_loss=20))
    assert result.output == tmp_path / "model.onnx"
