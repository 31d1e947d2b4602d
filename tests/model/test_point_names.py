"""Names of operating points that state targets are read, checked, and written in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.errors import UsageError
from genre_batch.model.point_names import Target, canonical_name, is_target, parse_targets


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("precision=0.95", [Target("precision", (0.95,))]),
        (" recall = .8 ", [Target("recall", (0.8,))]),
        ("cost=1:5", [Target("cost", (1.0, 5.0))]),
        ("Horror:cost=1:2.5", [Target("cost", (1.0, 2.5), "Horror")]),
        ("Science Fiction : precision=1", [Target("precision", (1.0,), "Science Fiction")]),
        ("Economy, Business:recall=0.7", [Target("recall", (0.7,), "Economy, Business")]),
        ("cs:LG:precision=0.9", [Target("precision", (0.9,), "cs:LG")]),
        ("a=b:recall=0.5", [Target("recall", (0.5,), "a=b")]),
        (
            "War:recall=0.5,precision=0.8, Crime, Noir:cost=2:1",
            [
                Target("precision", (0.8,)),
                Target("cost", (2.0, 1.0), "Crime, Noir"),
                Target("recall", (0.5,), "War"),
            ],
        ),
    ],
)
def test_a_name_states_its_targets(name: str, targets: list[Target]) -> None:
    assert parse_targets(name) == tuple(targets)


@pytest.mark.parametrize(
    "name",
    [
        *("", "f1", "balanced", "precision", "precision=", "precision=0", "precision=1.01"),
        *("recall=-1", "recall=nan", "recall=90%", "precision=0.5:0.5", "cost=1", "cost=0:1"),
        *("cost=1:inf", "cost=1:2:3", "cost=-1:1", ":precision=0.9", "  :precision=0.9"),
        *("precision=0.9 recall=0.9", "precision=0.9,f1", "f1,precision=0.9", "Horror:0.9"),
        *("precision=0.9,,recall=0.9", "Precision=0.9x", "accuracy=0.9"),
    ],
)
def test_a_name_of_another_form_or_out_of_range_is_refused(name: str) -> None:
    assert not is_target(name)
    with pytest.raises(UsageError, match="`operating_points` must be precision=X or recall=X"):
        parse_targets(name)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("precision=0.9,recall=0.9", "all genres"),
        ("War:precision=0.9,recall=0.5,War:cost=1:1", "'War'"),
    ],
)
def test_two_targets_for_the_same_genre_are_refused(name: str, where: str) -> None:
    with pytest.raises(UsageError, match=f"two targets for {where}"):
        parse_targets(name)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("precision=.950", "precision=0.95"),
        ("cost = 1.0 : 5", "cost=1:5"),
        ("War: recall=0.50 , Comedy:precision=1", "Comedy:precision=1,War:recall=0.5"),
        ("f1", "f1"),
        ("no-drama", "no-drama"),
    ],
)
def test_a_name_has_one_canonical_form(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical
    assert canonical_name(canonical) == canonical


@given(st.text(max_size=30))
def test_any_text_is_a_target_or_stays_as_it_is(name: str) -> None:
    assert canonical_name(canonical_name(name)) == canonical_name(name)
    if not is_target(name):
        assert canonical_name(name) == name


@given(
    st.text(min_size=1, max_size=12).filter(lambda name: name == name.strip() and "=" not in name),
    st.sampled_from(["precision", "recall"]),
    st.floats(0.001, 1),
)
def test_a_target_s_name_is_read_as_the_target(genre: str, kind: str, value: float) -> None:
    target = Target(kind, (float(f"{value:.10g}"),), genre)
    assert parse_targets(str(target)) == (target,)
