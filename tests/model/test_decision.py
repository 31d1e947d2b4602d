"""model/decision.py: which genres are predicted, and in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genre_batch.errors import UsageError
from genre_batch.model.decision import Decision, apply_thresholds
from genre_batch.model.metadata import ConditionalThreshold, OperatingPoint
from support import tiny

HALF = np.full(4, 0.5)


def _decide(
    *rows: list[float], thresholds: np.ndarray = HALF, top_k: int | None = None
) -> list[list[str] | None]:
    probabilities = np.array(rows, dtype=np.float32)
    decided: list[list[str] | None] = apply_thresholds(
        probabilities, thresholds, tiny.LABELS, top_k
    ).to_pylist()
    return decided


def test_a_genre_is_predicted_at_its_threshold_or_above() -> None:
    assert _decide([0.5, 0.49, 0.0, 1.0]) == [["Science Fiction", "Action"]]


def test_the_most_probable_genre_comes_first_and_ties_are_in_label_order() -> None:
    assert _decide([0.7, 0.9, 0.7, 0.9]) == [["Comedy", "Science Fiction", "Action", "Drama"]]


def test_a_row_where_nothing_passes_gets_an_empty_list_and_one_without_text_null() -> None:
    nothing = [float("nan")] * 4
    assert _decide([0.1] * 4, nothing, [0.9, 0.1, 0.1, 0.1]) == [[], None, ["Action"]]


def test_top_k_keeps_the_most_probable_that_pass() -> None:
    assert _decide([0.7, 0.9, 0.8, 0.1], top_k=2) == [["Comedy", "Drama"]]
    assert _decide([0.1, 0.9, 0.2, 0.1], top_k=2) == [["Comedy"]]


def test_no_rows_give_no_lists() -> None:
    assert apply_thresholds(np.empty((0, 4), np.float32), HALF, tiny.LABELS).to_pylist() == []


@given(
    arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32)),
    arrays(np.float64, 4, elements=st.floats(0, 1)),
)
def test_the_lists_hold_exactly_the_genres_that_pass(
    probabilities: np.ndarray, thresholds: np.ndarray
) -> None:
    lists = apply_thresholds(probabilities, thresholds, tiny.LABELS).to_pylist()
    for row, genres in zip(probabilities, lists, strict=True):
        passing = {
            label for label, p, t in zip(tiny.LABELS, row, thresholds, strict=True) if p >= t
        }
        assert set(genres) == passing
        assert len(genres) == len(passing)


THRESHOLDS = st.floats(0, 1)
PAIRS = st.tuples(st.none() | THRESHOLDS, THRESHOLDS) | st.tuples(THRESHOLDS, st.none())


@st.composite
def _conditional(draw: st.DrawFn) -> dict[str, ConditionalThreshold]:
    """Draw genres whose threshold depends on another genre, cycles included."""
    pairs = {}
    for label in draw(st.sets(st.sampled_from(tiny.LABELS), min_size=1)):
        other = draw(st.sampled_from([name for name in tiny.LABELS if name != label]))
        pairs[label] = ConditionalThreshold(other, *draw(PAIRS))
    return pairs


@given(
    arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32)),
    st.tuples(*[THRESHOLDS] * 4),
    _conditional(),
)
def test_a_conditional_threshold_depends_on_whether_the_given_genre_is_predicted(
    probabilities: np.ndarray, base: tuple[float, ...], pairs: dict[str, ConditionalThreshold]
) -> None:
    metadata = tiny.metadata(thresholds=base, conditional_thresholds=pairs)
    thresholds = Decision().row_thresholds(metadata, probabilities)
    assert thresholds.shape == (7, 4)
    assert thresholds.dtype == np.float64
    lists = Decision().genres(metadata, probabilities).to_pylist()
    for row, genres in zip(probabilities.tolist(), lists, strict=True):
        passed = {label: p >= t for label, p, t in zip(tiny.LABELS, row, base, strict=True)}
        expected = {label for label in tiny.LABELS if passed[label] and label not in pairs}
        for label, pair in pairs.items():
            threshold = pair.present if passed[pair.given] else pair.absent
            if threshold is not None and row[tiny.LABELS.index(label)] >= threshold:
                expected.add(label)
        assert set(genres) == expected


@given(arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32)), _conditional())
def test_conditional_thresholds_of_a_row_depend_on_that_row_alone(
    probabilities: np.ndarray, pairs: dict[str, ConditionalThreshold]
) -> None:
    metadata = tiny.metadata(conditional_thresholds=pairs)
    together = Decision().row_thresholds(metadata, probabilities)
    for row in range(len(probabilities)):
        alone = Decision().row_thresholds(metadata, probabilities[row : row + 1])
        np.testing.assert_array_equal(alone[0], together[row])


ON_DRAMA = {"Comedy": ConditionalThreshold("Drama", absent=0.9, present=0.1)}


def test_a_row_without_text_gets_null_under_conditional_thresholds_too() -> None:
    probabilities = np.array([[0.1, 0.2, 0.8, 0.1], [np.nan] * 4], dtype=np.float32)
    metadata = tiny.metadata(conditional_thresholds=ON_DRAMA)
    assert Decision().genres(metadata, probabilities).to_pylist() == [
        ["Drama", "Comedy"],
        None,
    ]


@pytest.mark.parametrize(
    "decision",
    [
        Decision(threshold=0.3),
        Decision(operating_point="no-drama"),
        Decision(top_k=2),
        Decision(threshold=0.3, top_k=2),
        Decision(operating_point="f1", top_k=1),
    ],
)
def test_any_other_decision_overrides_conditional_thresholds(decision: Decision) -> None:
    metadata = tiny.metadata(conditional_thresholds=ON_DRAMA)
    rows = decision.row_thresholds(metadata, np.full((2, 4), 0.5, np.float32))
    assert rows.tolist() == decision.thresholds(tiny.metadata()).tolist()


def test_without_conditional_thresholds_all_rows_share_the_thresholds() -> None:
    rows = Decision().row_thresholds(tiny.metadata(), np.full((2, 4), 0.5, np.float32))
    assert rows.tolist() == [0.5] * 4


def test_a_decision_s_genres_respect_its_top_k() -> None:
    probabilities = np.array([[0.7, 0.9, 0.8, 0.1]], dtype=np.float32)
    assert Decision(top_k=2).genres(tiny.metadata(), probabilities).to_pylist() == [
        ["Comedy", "Drama"]
    ]


def test_top_k_alone_ignores_thresholds() -> None:
    assert Decision(top_k=2).thresholds(tiny.metadata()).tolist() == [0.0] * 4
    assert Decision(top_k=2, threshold=0.3).thresholds(tiny.metadata()).tolist() == [0.3] * 4


def test_the_model_s_own_thresholds_are_the_default() -> None:
    metadata = tiny.metadata(thresholds=(0.1, 0.2, 0.3, 0.4))
    assert Decision().thresholds(metadata).tolist() == [0.1, 0.2, 0.3, 0.4]


def test_an_operating_point_may_switch_a_genre_off() -> None:
    thresholds = Decision(operating_point="no-drama").thresholds(tiny.metadata())
    assert _decide([0.1, 0.1, 1.0, 0.9], thresholds=thresholds) == [["Science Fiction"]]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("recall", "precision=0.95"),
        ("precision=.80", "precision=0.8"),
        ("Science Fiction:recall=1", "'Science Fiction:recall=1'"),
    ],
)
def test_an_unknown_operating_point_is_refused_with_the_known_ones_and_how_to_add_it(
    name: str, target: str
) -> None:
    with pytest.raises(UsageError) as raised:
        Decision(operating_point=name).thresholds(tiny.metadata())
    assert str(raised.value) == (
        f"the model has no operating point {name!r}: it has f1, no-drama; genre-batch tune "
        f"CATALOG -o tuned.onnx --operating-point {target} makes a model with another"
    )


def test_a_model_without_operating_points_is_said_to_have_none() -> None:
    with pytest.raises(UsageError, match="it has none; genre-batch tune"):
        Decision(operating_point="f1").thresholds(tiny.metadata(operating_points={}))


@pytest.mark.parametrize("name", ["precision=0.95", "precision=.950", " precision = 0.95"])
def test_a_target_may_be_written_in_any_form(name: str) -> None:
    point = OperatingPoint((0.1, 0.2, 0.3, None), precision=0.9, recall=0.5)
    metadata = tiny.metadata(operating_points={"precision=0.95": point})
    thresholds = Decision(operating_point=name).thresholds(metadata)
    assert thresholds.tolist() == [0.1, 0.2, 0.3, np.inf]


ROWS = np.array([[0.7, 0.9, 0.2, 0.1], [0.2, 0.1, 0.3, 0.4], [np.nan] * 4], dtype=np.float32)


@pytest.mark.parametrize(
    ("decision", "genres"),
    [
        (Decision(min_k=1), [["Comedy", "Action"], ["Science Fiction"], None]),
        (
            Decision(min_k=3),
            [["Comedy", "Action", "Drama"], ["Science Fiction", "Drama", "Action"], None],
        ),
        (
            Decision(min_k=9),
            [
                ["Comedy", "Action", "Drama", "Science Fiction"],
                ["Science Fiction", "Drama", "Action", "Comedy"],
                None,
            ],
        ),
        (Decision(min_k=1, top_k=1), [["Comedy"], ["Science Fiction"], None]),
        (Decision(threshold=0.8, min_k=1, top_k=3), [["Comedy"], ["Science Fiction"], None]),
    ],
)
def test_the_most_probable_genres_fill_a_row_up_to_the_minimum(
    decision: Decision, genres: list[list[str] | None]
) -> None:
    assert decision.genres(tiny.metadata(), ROWS).to_pylist() == genres


def test_a_genre_that_is_off_is_not_added_to_reach_the_minimum() -> None:
    rows = np.array([[0.2, 0.1, 0.4, 0.3]], dtype=np.float32)
    decision = Decision(operating_point="no-drama", min_k=4)
    (genres,) = decision.genres(tiny.metadata(), rows).to_pylist()
    assert genres == ["Science Fiction", "Action", "Comedy"]


def test_genres_added_to_reach_the_minimum_are_in_order_with_those_that_pass() -> None:
    """Drama passes its low threshold; the more probable Action is added before it."""
    metadata = tiny.metadata(thresholds=(0.9, 0.9, 0.1, 0.9))
    rows = np.array([[0.6, 0.1, 0.3, 0.2]], dtype=np.float32)
    assert Decision(min_k=2).genres(metadata, rows).to_pylist() == [["Action", "Drama"]]


def test_a_minimum_keeps_conditional_thresholds() -> None:
    metadata = tiny.metadata(conditional_thresholds=ON_DRAMA)
    rows = np.array([[0.1, 0.2, 0.8, 0.1], [0.1, 0.2, 0.3, 0.1]], dtype=np.float32)
    genres = Decision(min_k=1).genres(metadata, rows).to_pylist()
    assert genres == [["Drama", "Comedy"], ["Drama"]]


def test_a_minimum_above_the_maximum_is_refused() -> None:
    with pytest.raises(UsageError, match=r"`min_k` must be at most `top_k` \(2\), got 3"):
        Decision(min_k=3, top_k=2)


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_a_minimum_is_a_count(value: object) -> None:
    with pytest.raises(UsageError, match="`min_k` must be an integer"):
        Decision(min_k=value)  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    arrays(np.float32, (6, 4), elements=st.floats(0, 1, width=32)),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 5),
    st.sampled_from([None, 0.3, 0.9]),
)
def test_counted_thresholds_predict_what_a_row_gets(
    probabilities: np.ndarray, least: int | None, most: int | None, threshold: float | None
) -> None:
    if least is not None and most is not None and least > most:
        least, most = most, least
    decision = Decision(threshold, min_k=least, top_k=most)
    metadata = tiny.metadata()
    predicted = probabilities >= decision.counted_thresholds(metadata, probabilities)
    for row, genres in zip(
        predicted, decision.genres(metadata, probabilities).to_pylist(), strict=True
    ):
        assert set(genres) == {tiny.LABELS[index] for index in np.flatnonzero(row)}
        assert len(genres) >= min(least or 0, 4)
        assert len(genres) <= (most or 4)


def test_a_threshold_and_an_operating_point_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="cannot be used together"):
        Decision(threshold=0.5, operating_point="f1")


@given(
    arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32)),
    _conditional(),
    st.sets(st.sampled_from(tiny.LABELS)),
)
def test_excluded_genres_are_never_predicted_and_change_no_other(
    probabilities: np.ndarray, pairs: dict[str, ConditionalThreshold], excluded: set[str]
) -> None:
    metadata = tiny.metadata(conditional_thresholds=pairs)
    names = ",".join(name.upper() for name in excluded) or None
    for decision, same in (
        (Decision(), Decision(exclude_genres=names)),
        (Decision(threshold=0.3), Decision(threshold=0.3, exclude_genres=sorted(excluded))),
    ):
        expected = decision.genres(metadata, probabilities).to_pylist()
        found = same.genres(metadata, probabilities).to_pylist()
        assert found == [[name for name in row if name not in excluded] for row in expected]


def test_an_excluded_genre_takes_no_place_of_the_top_k() -> None:
    probabilities = np.array([[0.1, 0.9, 0.8, 0.2]], dtype=np.float32)
    decision = Decision(top_k=2, exclude_genres=("Comedy",))
    assert decision.genres(tiny.metadata(), probabilities).to_pylist() == [
        ["Drama", "Science Fiction"]
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (" , ", "^`exclude_genres` has no name: list names, joined by commas, or leave it out$"),
        ("Dramma", r"^`exclude_genres`: unknown genre 'Dramma': did you mean 'Drama'\?$"),
        ("Drama,Western", "unknown genre 'Western': known: Action, Comedy, Drama, Science Fiction"),
    ],
)
def test_an_unknown_excluded_genre_is_an_error_with_the_nearest(names: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Decision(exclude_genres=names).thresholds(tiny.metadata())


CALIBRATION = {
    "Action": (1.0, -3.0),
    "Comedy": (2.0, 0.0),
    "Drama": (0.5, 1.0),
    "Science Fiction": (1.0, 0.5),
}
CALIBRATED = tiny.metadata(calibration=tuple(CALIBRATION.values()))


@given(st.integers(0, 2**32 - 1))
def test_calibrated_probabilities_select_the_same_genres_in_their_own_order(seed: int) -> None:
    rows = np.random.default_rng(seed).random((30, 4)).astype(np.float32)
    rows[0] = np.nan
    metadata = replace(CALIBRATED, conditional_thresholds=ON_DRAMA)
    for plain in (
        Decision(),
        Decision(operating_point="no-drama"),
        Decision(exclude_genres="Drama"),
    ):
        raw = plain.genres(metadata, rows).to_pylist()
        decision = replace(plain, calibrated=True)
        shown = decision.shown(metadata, rows)
        for row, (before, after) in enumerate(
            zip(raw, decision.genres(metadata, rows).to_pylist(), strict=True)
        ):
            if before is None:
                assert after is None
                continue
            assert set(after) == set(before)
            values = [shown[row, tiny.LABELS.index(genre)] for genre in after]
            assert values == sorted(values, reverse=True)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_threshold_applies_to_calibrated_probabilities(seed: int, threshold: float) -> None:
    rows = np.random.default_rng(seed).random((30, 4)).astype(np.float32)
    decision = Decision(threshold, calibrated=True)
    shown = decision.shown(CALIBRATED, rows).astype(np.float64)
    passed = rows >= decision.row_thresholds(CALIBRATED, rows)
    np.testing.assert_array_equal(passed, shown >= threshold)


def test_limits_count_by_calibrated_probabilities_in_tag_and_in_scores() -> None:
    rows = np.array([[0.9, 0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.05]], dtype=np.float32)
    assert Decision(top_k=2).genres(CALIBRATED, rows).to_pylist()[0] == [
        "Action",
        "Science Fiction",
    ]
    decision = Decision(top_k=2, calibrated=True)
    assert decision.genres(CALIBRATED, rows).to_pylist()[0] == ["Science Fiction", "Drama"]
    scored = rows >= decision.counted_thresholds(CALIBRATED, rows)
    assert scored[0].tolist() == [False, False, True, True]
    least = Decision(min_k=1, calibrated=True).genres(CALIBRATED, rows).to_pylist()
    assert least[1] == ["Drama"]


def test_calibrated_needs_a_model_with_a_calibration_before_any_text_is_predicted() -> None:
    with pytest.raises(UsageError, match=r"genre-batch tune CATALOG -o tuned\.onnx"):
        Decision(calibrated=True).thresholds(tiny.metadata())
