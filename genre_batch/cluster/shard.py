"""Which share of the parts a process writes: `K/N`, or as an array of jobs sets it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from genre_batch.errors import UsageError

__all__ = ["Shard", "find_shard"]

_SPELLING = re.compile(r"(\d{1,18})/(\d{1,18})", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_KNOWN = "SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX"


@dataclass(frozen=True)
class Shard:
    """Every `count`th part, from number `index` on, counted from 0."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def find_shard(spelling: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """Return the share that `K/N` or `auto` means.

    For `auto`, the variables of Slurm's job arrays, Kubernetes' Indexed Jobs and AWS Batch's array
    jobs are read. A Slurm array may start at any number and have any step. Kubernetes does not
    state the number of completions: the manifest sets it in `JOB_COMPLETIONS`.

    Raises:
        UsageError: it is neither, K is not below N, or there are no such variables.
    """
    if spelling.strip() != "auto":
        match = _SPELLING.fullmatch(spelling.strip())
        if match is None:
            raise UsageError(
                f"`shard` must be K/N, such as 0/4 for the first of four, or auto, got {spelling!r}"
            )
        return _checked(int(match[1]), int(match[2]), f"got {spelling!r}")
    for variable, find in (
        ("SLURM_ARRAY_TASK_ID", _slurm),
        ("JOB_COMPLETION_INDEX", _kubernetes),
        ("AWS_BATCH_JOB_ARRAY_INDEX", _batch),
    ):
        if environment.get(variable):
            return find(environment)
    raise UsageError(
        f"`shard` auto: none of {_KNOWN} is set, so this is not an array job: type K/N"
    )


def _checked(index: int, count: int, place: str) -> Shard:
    if index >= count:
        raise UsageError(f"`shard` K/N counts from 0, so K must be below N, {place}")
    return Shard(index, count)


def _number(environment: Mapping[str, str], name: str, advice: str = "type K/N") -> int:
    text = environment.get(name, "")
    if not _NUMBER.fullmatch(text):
        shown = f"is {text!r}" if name in environment else "is not set"
        raise UsageError(f"`shard` auto: {name} {shown}: {advice}")
    return int(text)


def _slurm(environment: Mapping[str, str]) -> Shard:
    task = _number(environment, "SLURM_ARRAY_TASK_ID")
    count = _number(environment, "SLURM_ARRAY_TASK_COUNT")
    others = {"SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_STEP": "1"}
    first, step = (
        _number({name: environment.get(name) or default}, name) for name, default in others.items()
    )
    index, rest = divmod(task - first, max(1, step))
    if rest or not 0 <= index < count:
        raise UsageError(
            f"`shard` auto: the numbers of the Slurm array have gaps (task {task} of {count}): "
            f"submit it with --array=0-{max(0, count - 1)}, or type K/N"
        )
    return Shard(index, count)


def _kubernetes(environment: Mapping[str, str]) -> Shard:
    index = _number(environment, "JOB_COMPLETION_INDEX")
    advice = "set it to the Job's completions in the container's env"
    count = _number(environment, "JOB_COMPLETIONS", advice)
    return _checked(index, count, f"got JOB_COMPLETION_INDEX {index} of {count}")


def _batch(environment: Mapping[str, str]) -> Shard:
    index = _number(environment, "AWS_BATCH_JOB_ARRAY_INDEX")
    count = _number(environment, "AWS_BATCH_JOB_ARRAY_SIZE")
    return _checked(index, count, f"got AWS_BATCH_JOB_ARRAY_INDEX {index} of {count}")
