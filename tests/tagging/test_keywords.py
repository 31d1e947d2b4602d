from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import genre_batch
from genre_batch import ray, spark
from genre_batch.options import flat_values
from genre_batch.tagging.job import TagJob

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tag_catalog": genre_batch.tag_catalog,
    "tag_table": genre_batch.tag_table,
    "tag_batches": genre_batch.tag_batches,
    "tag": spark.tag,
    "TagBatches.__init__": ray.TagBatches,
}
POSITIONAL = {"source", "output", "data", "df"}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_signature_shows_each_keyword_with_the_default_of_the_job(
    function: Callable[..., Any],
) -> None:
    parameters = inspect.signature(function).parameters
    defaults = flat_values(TagJob())
    shown = {name: parameter.default for name, parameter in parameters.items()}
    keywords = shown.keys() & defaults.keys() - {"output"}
    assert {name: shown[name] for name in keywords} == {name: defaults[name] for name in keywords}
    assert all(
        parameter.kind is parameter.KEYWORD_ONLY
        for name, parameter in parameters.items()
        if name not in POSITIONAL
    )


def test_a_catalog_takes_every_option_of_a_job() -> None:
    names = {*inspect.signature(genre_batch.tag_catalog).parameters}
    assert {*flat_values(TagJob())} - names == {"sources"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_keyword_of_another_function_is_a_type_error(name: str) -> None:
    unknown = r"\(\) got an unexpected keyword argument 'top'"
    with pytest.raises(TypeError, match=f"^{name}{unknown}"):
        FUNCTIONS[name](top=3)
