"""Profile the exported model by kind of node.

    python -m benchmarks.speed.nodes [--model MODEL.onnx] [--rows 8] [--tokens 64] [--runs 60]
        [-o docs/results]

Runs a batch of that shape under onnxruntime's own profiler, on one thread, and adds up the times of
each kind of node. A node's time is the 12.5th percentile of its runs, the median of the quickest
quarter. Writes nodes.json and, made from it, nodes.md. Takes seconds.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.results import write_results
from genre_batch.model.metadata import read_model_file
from genre_batch.model.session import NOT_FUSED
from genre_batch.model.tagger import default_model
from genre_batch.model.unmasked import unmasked

PURPOSE = {
    "MatMulIntegerToFloat": "8-bit products with weights, biases included",
    "MultiHeadAttention": "attention",
    "MatMul": "the mean over tokens; masked attention",
    "Gelu": "the feed-forward activation",
    "LayerNormalization": "",
    "Transpose": "attention: splitting and joining heads",
    "Add": "residuals; the padding mask",
    "QuantizeLinear": "floats to 8 bits, before each product",
    "Softmax": "attention",
    "Split": "splitting queries, keys and values",
    "Mul": "scaling down outlier channels",
}
"""Kind of node -> its purpose in the graph."""


def profiled(content: bytes, rows: int, tokens: int, runs: int) -> dict[str, tuple[int, float]]:
    """Return, for each kind of node, the number of nodes after fusion and their milliseconds.

    Args:
        content: the model file.
        rows: of the batch.
        tokens: of each row.
        runs: of the batch.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=NOT_FUSED
        )
        ids = np.random.default_rng(0).integers(1_000, 20_000, (rows, tokens))
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        for _ in range(runs):
            session.run(["logits"], feed)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    durations: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            durations[event["args"]["op_name"], event["name"]].append(event["dur"] / 1e3)
    kinds: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for (kind, _), times in durations.items():
        count, total = kinds[kind]
        kinds[kind] = count + 1, total + float(np.percentile(times, 12.5))
    return dict(kinds)


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    rows, tokens = result["rows"], result["tokens"]
    total = sum(row["milliseconds"] for row in result["kinds"])
    lines = [
        "# Time by kind of node",
        "",
        f"One batch of {rows} texts of {tokens} tokens, one thread, model "
        f"{result['model_sha256'][:12]}: {total:.1f} ms, {rows / total * 1e3:,.0f} texts a second. "
        f"{machine_sentence(result['machine'])}",
        "",
        "| node | purpose | count | ms | share |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['kind']} | {PURPOSE.get(row['kind'], '')} | {row['count']} "
        f"| {row['milliseconds']:.2f} | {row['milliseconds'] / total:.1%} |"
        for row in result["kinds"]
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Profile and write the results."""
    parser = benchmark_parser(__doc__, model=True, results=True)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runs", type=int, default=60)
    options = parser.parse_args()
    file = read_model_file(Path(options.model or default_model()))
    kinds = profiled(unmasked(file.content), options.rows, options.tokens, options.runs)
    result = {
        "machine": machine_facts(("onnxruntime",)),
        "model_sha256": file.sha256,
        "rows": options.rows,
        "tokens": options.tokens,
        "kinds": [
            {"kind": kind, "count": count, "milliseconds": round(milliseconds, 3)}
            for kind, (count, milliseconds) in sorted(kinds.items(), key=lambda item: -item[1][1])
        ],
    }
    write_results(options.output, "nodes", result, markdown)


if __name__ == "__main__":
    main()
