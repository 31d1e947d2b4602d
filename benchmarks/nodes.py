"""Where the exported model's time goes, by kind of node.

    python benchmarks/nodes.py [--model MODEL.onnx] [--rows 8] [--tokens 64] [--runs 60]
        [-o docs/results]

Runs a batch of that shape with onnxruntime's own profile, one thread, and adds up each kind of
node, the quickest quarter of the runs of each node counting. Writes nodes.json and, made from it,
nodes.md. Takes seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from machine import described, machine
from results import write_results

from genre_batch.model.metadata import read_model_file
from genre_batch.model.session import NOT_FUSED
from genre_batch.model.tagger import default_model

SAID = {
    "MatMulIntegerToFloat": "8-bit products with stored weights, their biases in them",
    "MatMul": "attention: scores, and the values they weigh; the mean over tokens",
    "Gelu": "the feed-forward activation",
    "LayerNormalization": "",
    "Transpose": "attention: heads apart and together",
    "Add": "residuals; what hides padding",
    "QuantizeLinear": "floats to bytes, before each product",
    "Softmax": "attention",
    "Split": "queries, keys and values apart",
    "Mul": "far-out channels made smaller",
}


def profiled(content: bytes, rows: int, tokens: int, runs: int) -> dict[str, tuple[int, float]]:
    """Kind of node -> how many the graph has after onnxruntime's own fusions, and milliseconds."""
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
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            taken[event["args"]["op_name"], event["name"]].append(event["dur"] / 1e3)
    kinds: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for (kind, _), times in taken.items():
        count, total = kinds[kind]
        kinds[kind] = count + 1, total + float(np.percentile(times, 12.5))
    return dict(kinds)


def markdown(result: dict[str, Any]) -> str:
    """The table, made from the JSON alone."""
    rows, tokens = result["rows"], result["tokens"]
    total = sum(row["milliseconds"] for row in result["kinds"])
    lines = [
        "# Where the model's time goes",
        "",
        f"One batch of {rows} texts of {tokens} tokens, one thread, model "
        f"{result['model_sha256'][:12]}: {total:.1f} ms, {rows / total * 1e3:,.0f} texts a second. "
        f"{described(result['machine'])}",
        "",
        "| nodes | | how many | ms | share |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['kind']} | {SAID.get(row['kind'], '')} | {row['count']} "
        f"| {row['milliseconds']:.2f} | {row['milliseconds'] / total:.1%} |"
        for row in result["kinds"]
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Profiles, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="default: the shipped one")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    file = read_model_file(options.model or default_model())
    kinds = profiled(file.content, options.rows, options.tokens, options.runs)
    result = {
        "machine": machine(("onnxruntime",)),
        "model_sha256": file.sha256,
        "rows": options.rows,
        "tokens": options.tokens,
        "kinds": [
            {"kind": kind, "count": count, "milliseconds": round(milliseconds, 3)}
            for kind, (count, milliseconds) in sorted(kinds.items(), key=lambda one: -one[1][1])
        ],
    }
    write_results(options.output, "nodes", result, markdown)


if __name__ == "__main__":
    main()
