"""Other engines in speed.py, which run the float32 checkpoint or their own conversion of it.

Each engine gets the settings that suit it best: batches of similar length, and as many streams,
workers or threads as there are cores.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from benchmarks.speed.contender import (
    Answer,
    Contender,
    Films,
    Floats,
    Ids,
    Setting,
    Unavailable,
    by_length,
    in_arrival_order,
    ordered,
    sigmoid,
)
from genre_batch.training.encoder.inference import bf16_is_fast


def session_options(threads: int) -> Any:
    """Return onnxruntime's default options, but for the number of threads, without warnings."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return options


class OnnxFloat(Contender):
    """onnxruntime as documented."""

    name = "onnxruntime float32"
    how = "batches of 32 in arrival order"
    batches = staticmethod(in_arrival_order)

    def prepare(self, setting: Setting) -> None:
        """Make the session."""
        self._setting = setting
        self._session = onnxruntime.InferenceSession(
            self._graph(setting),
            session_options(setting.threads),
            providers=["CPUExecutionProvider"],
        )

    def _graph(self, setting: Setting) -> str:
        return str(setting.graph)

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        parts = [
            (rows, self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0])
            for rows, ids, mask in self.batches(self._setting.tokens(films.texts))
        ]
        return Answer(sigmoid(ordered(parts, len(films))))


class OnnxDynamic(OnnxFloat):
    """The graph made by `quantize_dynamic`; a film's probabilities depend on its batch."""

    name = "onnxruntime dynamic int8"
    how = "`quantize_dynamic`, sorted by length, up to 2,048 tokens per batch"
    batches = staticmethod(by_length)

    def _graph(self, setting: Setting) -> str:
        path = setting.folder / "dynamic.onnx"
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # it recommends preprocessing
        quantize_dynamic(setting.graph, path, weight_type=QuantType.QInt8)
        logging.root.setLevel(level)
        return str(path)


class TorchLow(Contender):
    """torch with bfloat16 products."""

    name = "torch bfloat16"
    how = "autocast, sorted by length, up to 2,048 tokens per batch"

    def prepare(self, setting: Setting) -> None:
        """Use the checkpoint as it is."""
        if not bf16_is_fast():
            raise Unavailable("this processor has no bfloat16 unit")
        self._setting = setting

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        torch.set_num_threads(self._setting.threads)  # CTranslate2 lowers torch's number of threads
        parts = []
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for rows, ids, mask in by_length(self._setting.tokens(films.texts)):
                logits = self._setting.checkpoint(
                    input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
                ).logits
                parts.append((rows, logits.float().numpy()))
        return Answer(sigmoid(ordered(parts, len(films))))


class OpenVinoLow(Contender):
    """OpenVINO with bfloat16 products."""

    name = "OpenVINO bfloat16"
    how = "throughput hint, one stream per core, sorted by length, up to 2,048 tokens per batch"
    needs: tuple[str, ...] = ("openvino",)
    precision = "bf16"

    def prepare(self, setting: Setting) -> None:
        """Compile the graph."""
        import openvino

        self._setting = setting
        core = openvino.Core()
        compiled = core.compile_model(
            self._graph(core.read_model(setting.graph), setting),
            "CPU",
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "NUM_STREAMS": setting.threads,
                "INFERENCE_NUM_THREADS": setting.threads,
                "INFERENCE_PRECISION_HINT": self.precision,
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT")
        if used != getattr(openvino.Type, self.precision):
            raise Unavailable(f"OpenVINO computes in {used} on this processor")
        self._queue = openvino.AsyncInferQueue(compiled, setting.threads)

    def _graph(self, graph: Any, setting: Setting) -> Any:
        return graph

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        parts: list[tuple[Ids, Floats]] = []
        self._queue.set_callback(
            lambda request, rows: parts.append((rows, request.get_output_tensor(0).data.copy()))
        )
        for rows, ids, mask in by_length(self._setting.tokens(films.texts)):
            self._queue.start_async({"input_ids": ids, "attention_mask": mask}, rows)
        self._queue.wait_all()
        return Answer(sigmoid(ordered(parts, len(films))))


class OpenVinoInt8(OpenVinoLow):
    """OpenVINO's 8-bit graph; operations between the products use bfloat16."""

    name = "OpenVINO int8"
    how = (
        "nncf post-training quantization on 200 training texts; otherwise as above, with bfloat16 "
        "between the products"
    )
    needs = ("openvino", "nncf")

    def _graph(self, graph: Any, setting: Setting) -> Any:
        import nncf

        nncf.set_log_level(logging.ERROR)
        inputs = [
            {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}
            for ids in setting.tokens(setting.calibration)
        ]
        return nncf.quantize(
            graph,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(inputs),
        )


class CTranslate2(Contender):
    """CTranslate2's encoder with 8-bit weights; the head, which it lacks, in numpy."""

    name = "CTranslate2 int8"
    how = "one worker per core, sorted by length, up to 2,048 tokens a batch; the head in numpy"
    needs = ("ctranslate2",)

    def prepare(self, setting: Setting) -> None:
        """Convert the encoder; keep the head's weights."""
        import ctranslate2

        self._setting = setting
        source, target = setting.folder / "encoder", setting.folder / "ctranslate2"
        setting.checkpoint.distilbert.save_pretrained(source)
        setting.tokenizer.save_pretrained(source)
        ctranslate2.converters.TransformersConverter(str(source)).convert(
            str(target), quantization="int8"
        )
        self._encoder = ctranslate2.Encoder(
            str(target),
            device="cpu",
            compute_type="int8",
            inter_threads=setting.threads,
            intra_threads=1,
        )
        self._layers = [
            (layer.weight.detach().numpy().T, layer.bias.detach().numpy())
            for layer in (setting.checkpoint.pre_classifier, setting.checkpoint.classifier)
        ]

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        ids = self._setting.tokens(films.texts)

        def work(batch: tuple[Ids, Ids, Ids]) -> tuple[Ids, Floats]:
            rows, _, mask = batch
            answer = self._encoder.forward_batch([ids[row].tolist() for row in rows])
            hidden = np.array(answer.last_hidden_state)
            return rows, self._head(hidden, mask.astype(np.float32))

        with ThreadPoolExecutor(self._setting.threads) as pool:
            parts = list(pool.map(work, by_length(ids)))
        return Answer(sigmoid(ordered(parts, len(films))))

    def _head(self, hidden: Floats, mask: Floats) -> Floats:
        """Compute (rows, genres) logits; vectors (rows, tokens, width), mask (rows, tokens)."""
        pooled = (mask[:, None] @ hidden)[:, 0] / mask.sum(axis=1, keepdims=True)
        (first, first_bias), (second, second_bias) = self._layers
        logits: Floats = np.maximum(pooled @ first + first_bias, 0) @ second + second_bias
        return logits
