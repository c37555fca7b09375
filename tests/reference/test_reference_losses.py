"""Losses: central differences prove every gradient; values, weights, edges and laws."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import activations, losses
from mundur.reference.check import check_loss
from mundur.reference.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)

quick = settings(deadline=None, max_examples=25)

# None of the probabilities is so small that log p bends within a step of the differences.
SCORES = [[0.5, -0.25, 1.5], [-0.75, 0.25, 1.0], [1.0, -1.0, 0.125], [1.5, -0.5, 0.0]]
APART = [[z + 0.07 for z in row] for row in SCORES]  # from where a line begins
FAR = [[0.5, -0.25, 1.2], [-0.75, 0.25, 1.0], [1.0, -1.0, 0.125], [2.5, -0.5, -0.3]]
PROBABILITIES = [activations.Softmax()(row) for row in SCORES]
LABELS = [2, 0, 1, 0]
ONE_HOT = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
SOFT = [[0.2, 0.1, 0.7], [0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.6, 0.3, 0.3]]
COUNTS = [[0.0, 1.0, 3.0], [2.0, 0.0, 0.0], [1.0, 1.0, 5.0], [4.0, 2.0, 0.0]]
SIGNS = [[1.0, -1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, 1.0, 1.0], [1.0, -1.0, 1.0]]
WEIGHTS = [None, [1.0, 2.0, 0.0, 0.5]]

# loss, targets, outputs
CASES = [
    (MeanSquaredError(), SOFT, SCORES),
    (BinaryCrossentropy(), SOFT, PROBABILITIES),
    (BinaryCrossentropy(from_logits=True), SOFT, SCORES),
    (CategoricalCrossentropy(), SOFT, PROBABILITIES),
    (CategoricalCrossentropy(from_logits=True), SOFT, SCORES),
    (SparseCategoricalCrossentropy(), LABELS, PROBABILITIES),
    (SparseCategoricalCrossentropy(from_logits=True), LABELS, SCORES),
    (BinaryCrossentropy(label_smoothing=0.2), ONE_HOT, PROBABILITIES),
    (BinaryCrossentropy(from_logits=True, label_smoothing=0.2), ONE_HOT, SCORES),
    (CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT, PROBABILITIES),
    (CategoricalCrossentropy(from_logits=True, label_smoothing=0.2), ONE_HOT, SCORES),
    (BinaryFocalCrossentropy(), SOFT, PROBABILITIES),
    (BinaryFocalCrossentropy(True, 0.3, 1.5, True, 0.1), ONE_HOT, SCORES),
    (CategoricalFocalCrossentropy(), SOFT, PROBABILITIES),
    (CategoricalFocalCrossentropy(0.5, 1.5, True, 0.1), ONE_HOT, SCORES),
    (KLDivergence(), SOFT, PROBABILITIES),
    (MeanAbsoluteError(), SOFT, SCORES),
    (MeanAbsolutePercentageError(), SIGNS, SCORES),
    (MeanSquaredLogarithmicError(), COUNTS, APART),
    (Huber(), SOFT, APART),
    (Huber(delta=0.3), SOFT, APART),
    (LogCosh(), SOFT, SCORES),
    (Poisson(), COUNTS, PROBABILITIES),
    (Hinge(), SIGNS, APART),
    (SquaredHinge(), SIGNS, SCORES),
    (CategoricalHinge(), ONE_HOT, FAR),
    (CosineSimilarity(), SOFT, SCORES),
]
every_case = pytest.mark.parametrize(
    ("loss", "y_true", "y_pred"), CASES, ids=[repr(loss) for loss, _, _ in CASES]
)


@every_case
def test_gradients(loss, y_true, y_pred):
    for weights in WEIGHTS:
        assert check_loss(loss, y_true, [row[:] for row in y_pred], weights) < 1e-8


def test_a_wrong_gradient_is_found_out():
    class Wrong(MeanSquaredError):
        def sample_gradient(self, t, y):
            return [2 * (y_j - t_j) for t_j, y_j in zip(t, y, strict=True)]  # forgot 1/m

    assert check_loss(Wrong(), SOFT, [row[:] for row in SCORES]) > 0.1


@pytest.mark.parametrize("weights", WEIGHTS, ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", [Tversky(0.3, 0.8), Dice()], ids=repr)
def test_gradients_of_a_whole_batch(loss, weights):
    assert check_loss(loss, SOFT, [row[:] for row in PROBABILITIES], weights) < 1e-8
    assert loss(SOFT, PROBABILITIES, [0.0] * 4) == 0.0
    assert loss.gradient(SOFT, PROBABILITIES, [0.0] * 4) == [[0.0] * 3] * 4


def test_overlap_on_paper():
    t, y = [[1.0, 0.0, 1.0, 0.0]], [[1.0, 1.0, 0.0, 0.0]]
    assert Dice()(t, y) == pytest.approx(1 - 2 / 4, rel=1e-6)
    assert Tversky(0.3, 0.8)(t, y) == pytest.approx(1 - 1 / (1 + 0.3 + 0.8), rel=1e-6)
    assert CategoricalHinge()([[0.0, 0.0, 1.0]], [[0.5, 2.0, 1.25]]) == 1.75
    assert CosineSimilarity()([[3.0, 4.0]], [[4.0, 3.0]]) == pytest.approx(-24 / 25)


def test_values_on_paper():
    assert MeanSquaredError()([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [0.0, 4.0]]) == 13 / 4
    log2, log4 = math.log(2), math.log(4)
    assert BinaryCrossentropy()([[1, 0]], [[0.5, 0.75]]) == pytest.approx((log2 + log4) / 2)
    assert CategoricalCrossentropy()([[0.5, 0.5]], [[0.5, 0.25]]) == pytest.approx(
        (log2 + log4) / 2
    )
    assert SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.25, 0.75]]) == pytest.approx(
        (log2 + log4) / 2
    )


def test_values_of_the_errors_on_paper():
    errors = [[0.0, 0.0, 4.0]], [[0.5, -3.0, 4.0]]
    assert MeanAbsoluteError()(*errors) == 3.5 / 3
    assert Huber()(*errors) == pytest.approx((0.125 + 2.5) / 3, rel=1e-15)
    assert Huber(2.0)(*errors) == pytest.approx((0.125 + 4.0) / 3, rel=1e-15)
    log_cosh = math.log(math.cosh(0.5)) + math.log(math.cosh(3))
    assert LogCosh()(*errors) == pytest.approx(log_cosh / 3, rel=1e-14)
    assert MeanAbsolutePercentageError()([[4.0, 5.0]], [[5.0, 5.0]]) == 12.5
    assert MeanSquaredLogarithmicError()([[0.0]], [[math.e - 1]]) == pytest.approx(1, rel=1e-6)
    assert Poisson()([[2.0]], [[3.0]]) == pytest.approx(3 - 2 * math.log(3), rel=1e-6)
    assert KLDivergence()([[0.5, 0.5]], [[0.75, 0.25]]) == pytest.approx(
        0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    )
    assert Hinge()([[1.0, -1.0]], [[0.25, 0.5]]) == (0.75 + 1.5) / 2
    assert SquaredHinge()([[1.0, -1.0]], [[0.25, 0.5]]) == (0.75**2 + 1.5**2) / 2


def test_log_cosh_of_small_and_large_errors():
    """Where log(cosh(e)) has lost all digits, or overflows."""
    assert LogCosh()([0.0], [1e-9]) == pytest.approx(5e-19, rel=1e-9)
    assert LogCosh()([0.0], [1e5]) == 1e5 - math.log(2)
    for e in (0.4999999, 0.5, 0.5000001):
        assert LogCosh()([0.0], [e]) == pytest.approx(math.log(math.cosh(e)), rel=1e-13)


def test_hinge_takes_zero_for_minus_one():
    bits = [[max(t, 0.0) for t in row] for row in SIGNS]
    for loss in (Hinge(), SquaredHinge()):
        assert loss(bits, SCORES) == loss(SIGNS, SCORES)
        assert loss.gradient(bits, SCORES) == loss.gradient(SIGNS, SCORES)


def test_divergence_is_cross_entropy_less_the_targets_own():
    own = CategoricalCrossentropy()(PROBABILITIES, PROBABILITIES)
    other = PROBABILITIES[::-1]
    assert KLDivergence()(PROBABILITIES, other) == pytest.approx(
        CategoricalCrossentropy()(PROBABILITIES, other) - own, rel=1e-12
    )
    assert KLDivergence()(PROBABILITIES, PROBABILITIES) == 0


def test_without_focus_the_focal_losses_are_cross_entropies():
    for from_logits, outputs in ((False, PROBABILITIES), (True, SCORES)):
        binary = BinaryFocalCrossentropy(gamma=0.0, from_logits=from_logits)
        assert binary(SOFT, outputs) == BinaryCrossentropy(from_logits)(SOFT, outputs)
        several = CategoricalFocalCrossentropy(1.0, 0.0, from_logits)
        assert several(SOFT, outputs) == pytest.approx(
            CategoricalCrossentropy(from_logits)(SOFT, outputs), rel=1e-14
        )


def test_focus_on_paper():
    assert BinaryFocalCrossentropy()([[1.0]], [[0.75]]) == pytest.approx(
        -(0.25**2) * math.log(0.75)
    )
    balanced = BinaryFocalCrossentropy(True, 0.2, 1.0)
    assert balanced([[0.0]], [[0.75]]) == pytest.approx(-0.8 * 0.75 * math.log(0.25))
    several = CategoricalFocalCrossentropy(0.5, 3.0)
    assert several([[0.0, 1.0]], [[0.75, 0.25]]) == pytest.approx(-0.5 * 0.75**3 * math.log(0.25))


@pytest.mark.parametrize("loss", [BinaryFocalCrossentropy, CategoricalFocalCrossentropy])
def test_focus_is_not_negative(loss):
    with pytest.raises(ValueError, match=r"gamma must be a finite number >= 0; got -1\.0"):
        loss(gamma=-1.0)


def test_smoothing_is_a_step_towards_even_targets():
    even = [[(1 - 0.3) * t + 0.3 / 3 for t in row] for row in ONE_HOT]
    assert CategoricalCrossentropy(True, 0.3)(ONE_HOT, SCORES) == pytest.approx(
        CategoricalCrossentropy(True)(even, SCORES), rel=1e-14
    )
    half = [[(1 - 0.3) * t + 0.3 / 2 for t in row] for row in ONE_HOT]
    assert BinaryCrossentropy(True, 0.3)(ONE_HOT, SCORES) == pytest.approx(
        BinaryCrossentropy(True)(half, SCORES), rel=1e-14
    )


@pytest.mark.parametrize("wrong", [-0.1, 1.5, math.nan])
def test_smoothing_is_a_share(wrong):
    for loss in (BinaryCrossentropy, CategoricalCrossentropy):
        with pytest.raises(
            ValueError, match="label_smoothing must be a finite number >= 0 and <= 1"
        ):
            loss(label_smoothing=wrong)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.inf, math.nan])
def test_where_the_line_begins(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        Huber(delta)


def test_means_of_counts_are_not_negative():
    with pytest.raises(
        ValueError, match=r"y_pred must not be negative for Poisson; got -0\.5 at sample 1"
    ):
        Poisson()([1.0, 2.0], [0.5, -0.5])


def test_half_the_sum_of_squares_of_course_notes():
    t, o = [0.01, 0.99], [0.75, 0.77]
    notes = sum(0.5 * (t_j - o_j) ** 2 for t_j, o_j in zip(t, o, strict=True))
    assert MeanSquaredError()([t], [o]) == pytest.approx(notes, rel=1e-15)


class TestLogits:
    """From logits is from the probabilities of these logits."""

    def test_binary(self):
        p = [[activations.sigmoid(z) for z in row] for row in SCORES]
        assert BinaryCrossentropy(True)(SOFT, SCORES) == pytest.approx(
            BinaryCrossentropy()(SOFT, p), rel=1e-13
        )

    def test_categorical(self):
        assert CategoricalCrossentropy(True)(SOFT, SCORES) == pytest.approx(
            CategoricalCrossentropy()(SOFT, PROBABILITIES), rel=1e-13
        )

    def test_the_gradients_meet_behind_the_softmax(self):
        """∂ℓ/∂p sent back through softmax is softmax(z) Σt − t."""
        gradient = CategoricalCrossentropy().gradient(SOFT, PROBABILITIES)
        back = [activations.Softmax().backward(g, z) for g, z in zip(gradient, SCORES, strict=True)]
        direct = CategoricalCrossentropy(True).gradient(SOFT, SCORES)
        assert [pytest.approx(row, rel=1e-12, abs=1e-15) for row in direct] == back

    def test_binary_gradient_is_prediction_minus_target(self):
        [[g]] = BinaryCrossentropy(True).gradient([[0.25]], [[math.log(3)]])
        assert g == pytest.approx(0.75 - 0.25)

    @pytest.mark.parametrize(("z", "t"), list(product([1e9, -1e9], [0.0, 1.0, 0.5])))
    def test_huge_binary_logits(self, z, t):
        loss = BinaryCrossentropy(from_logits=True)
        assert loss([[t]], [[z]]) == max(z, 0) - z * t
        assert loss.gradient([[t]], [[z]]) == [[(z > 0) - t]]

    def test_huge_categorical_logits(self):
        loss = SparseCategoricalCrossentropy(from_logits=True)
        scores = [[1e9, -1e9, 0.0]]
        assert [loss([c], scores) for c in range(3)] == [0.0, 2e9, 1e9]
        assert loss.gradient([1], scores) == [[1.0, -1.0, 0.0]]

    def test_a_class_ruled_out_costs_nothing_where_it_is_not_the_target(self):
        loss = SparseCategoricalCrossentropy(from_logits=True)
        assert loss([0], [[0.0, 0.0, -math.inf]]) == pytest.approx(math.log(2))
        assert loss([2], [[0.0, 0.0, -math.inf]]) == math.inf

    def test_equal_huge_logits_are_a_fair_die(self):
        loss = SparseCategoricalCrossentropy(from_logits=True)
        assert loss([0], [[1e9] * 6]) == pytest.approx(math.log(6))

    @quick
    @given(st.floats(-1e3, 1e3))
    def test_the_softmax_ignores_an_offset(self, offset):
        loss = CategoricalCrossentropy(from_logits=True)
        moved = [[z + offset for z in row] for row in SCORES]
        assert loss(SOFT, moved) == pytest.approx(loss(SOFT, SCORES), rel=1e-11)

    def test_gradient_of_a_distribution_sums_to_zero(self):
        for row in SparseCategoricalCrossentropy(True).gradient(LABELS, SCORES):
            assert sum(row) == pytest.approx(0, abs=1e-15)

    @quick
    @given(st.floats(-30, 30), st.sampled_from([0, 1]))
    def test_binary_is_categorical_with_two_classes(self, z, t):
        assert BinaryCrossentropy(True)([t], [z]) == pytest.approx(
            SparseCategoricalCrossentropy(True)([t], [[0.0, z]]), rel=1e-12, abs=1e-15
        )


class TestClipping:
    FLAT = -math.log(1e-7)

    def test_impossible_events_cost_no_more_than_the_clipped(self):
        assert BinaryCrossentropy()([1], [0.0]) == pytest.approx(self.FLAT)
        assert BinaryCrossentropy()([0], [1.0]) == pytest.approx(self.FLAT)
        assert SparseCategoricalCrossentropy()([0], [[0.0, 1.0]]) == pytest.approx(self.FLAT)
        assert CategoricalCrossentropy()([[1, 0]], [[-1e-7, 1 + 1e-7]]) == pytest.approx(self.FLAT)

    @pytest.mark.parametrize("p", [0.0, 1.0, 0.99e-7, 1 - 0.99e-7, -1e-7, 1 + 1e-7])
    def test_beyond_the_interval_the_gradient_is_zero(self, p):
        assert BinaryCrossentropy().gradient([1, 0], [p, p]) == [0.0, 0.0]
        assert SparseCategoricalCrossentropy().gradient([0, 1], [[p, p], [p, p]]) == [
            [0.0, 0.0],
            [0.0, 0.0],
        ]

    def test_just_inside_it_is_not(self):
        p = 1.01e-7
        assert BinaryCrossentropy().gradient([1], [p]) == pytest.approx([-1 / p])
        assert SparseCategoricalCrossentropy().gradient([0], [[p, 0.5]])[0][0] == -1 / p

    def test_rows_are_not_divided_by_their_sum(self):
        """Where Keras would: it takes [1, 3] as [¼, ¾]."""
        loss = SparseCategoricalCrossentropy()
        assert loss([0], [[0.25, 0.25]]) == pytest.approx(math.log(4))

    def test_nan_is_not_clipped_away(self):
        others = (MeanAbsoluteError(), Huber(), LogCosh(), Poisson(), KLDivergence())
        for loss in (
            *(BinaryCrossentropy(), CategoricalCrossentropy(), MeanSquaredError(), Hinge()),
            *others,
        ):
            assert math.isnan(loss([[1.0, 0.0]], [[math.nan, 0.5]]))
            assert math.isnan(loss.gradient([[1.0, 0.0]], [[math.nan, 0.5]])[0][0])


@every_case
class TestWeights:
    def test_weights_of_one_change_nothing(self, loss, y_true, y_pred):
        ones = [1.0] * len(y_true)
        assert loss(y_true, y_pred, ones) == loss(y_true, y_pred)
        assert loss.gradient(y_true, y_pred, ones) == loss.gradient(y_true, y_pred)

    @pytest.mark.parametrize("factor", [2.0, 3.0, 1e-3])
    def test_only_their_ratios_matter(self, loss, y_true, y_pred, factor):
        w = [1.0, 2.0, 0.0, 0.5]
        scaled = [factor * w_n for w_n in w]
        assert loss(y_true, y_pred, scaled) == pytest.approx(loss(y_true, y_pred, w))

    def test_weight_two_equals_a_sample_twice(self, loss, y_true, y_pred):
        weighted = loss(y_true, y_pred, [1, 2, 1, 1])
        twice = loss([*y_true, y_true[1]], [*y_pred, y_pred[1]])
        assert weighted == pytest.approx(twice, rel=1e-14)
        gradient = loss.gradient(y_true, y_pred, [1, 2, 1, 1])
        parts = loss.gradient([*y_true, y_true[1]], [*y_pred, y_pred[1]])
        assert gradient[0] == pytest.approx(parts[0], rel=1e-14)
        assert gradient[1] == pytest.approx([2 * g for g in parts[1]], rel=1e-14)

    def test_weight_zero_equals_a_sample_less(self, loss, y_true, y_pred):
        without = loss(y_true[1:], y_pred[1:])
        assert loss(y_true, y_pred, [0, 1, 1, 1]) == pytest.approx(without, rel=1e-14)
        assert loss.gradient(y_true, y_pred, [0, 1, 1, 1])[0] == pytest.approx([0, 0, 0])

    @pytest.mark.parametrize("weights", [[0.0] * 4, [1.0, -1.0, 2.0, -2.0]])
    def test_a_sum_of_zero_gives_zero(self, loss, y_true, y_pred, weights):
        assert loss(y_true, y_pred, weights) == 0.0
        assert loss.gradient(y_true, y_pred, weights) == [[0.0] * 3] * len(y_true)

    def test_the_mean_of_samples(self, loss, y_true, y_pred):
        """L, and ∂L/∂y too, are means of what each sample alone gives."""
        samples = list(zip(y_true, y_pred, strict=True))
        values = [loss([t], [y]) for t, y in samples]
        assert loss(y_true, y_pred) == pytest.approx(sum(values) / len(values), rel=1e-14)
        for row, (t, y) in zip(loss.gradient(y_true, y_pred), samples, strict=True):
            [alone] = loss.gradient([t], [y])
            assert row == pytest.approx([g / len(samples) for g in alone], rel=1e-14)


@every_case
class TestBadInput:
    def test_lengths(self, loss, y_true, y_pred):
        with pytest.raises(ValueError, match="y_pred has 4, y_true has 3"):
            loss(y_true[1:], y_pred)

    def test_empty(self, loss, y_true, y_pred):
        with pytest.raises(ValueError, match="y_pred must have shape"):
            loss([], [])

    def test_weights(self, loss, y_true, y_pred):
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(4,\); got \(3,\)"):
            loss.gradient(y_true, y_pred, [1.0, 1.0, 1.0])

    def test_rank(self, loss, y_true, y_pred):
        with pytest.raises(ValueError, match="y_true must have shape"):
            loss(y_true, [[[1.0] * 7] * 2])

    def test_repr_can_be_pasted_back(self, loss, y_true, y_pred):
        assert repr(eval(repr(loss), vars(losses))) == repr(loss)


@pytest.mark.parametrize(
    ("label", "wanted"),
    [(3, r"labels in \[0, 3\)"), (-1, "labels in"), (0.5, "whole"), (math.nan, "whole")],
)
def test_labels_outside_the_classes(label, wanted):
    with pytest.raises(ValueError, match=rf"y_true must hold {wanted}.*; got .* at sample 1"):
        SparseCategoricalCrossentropy()([0, label], PROBABILITIES[:2])


def test_one_hot_and_labels_confused():
    with pytest.raises(ValueError, match="looks one-hot: use CategoricalCrossentropy"):
        SparseCategoricalCrossentropy()(ONE_HOT, PROBABILITIES)
    with pytest.raises(ValueError, match="or use SparseCategoricalCrossentropy"):
        CategoricalCrossentropy()(LABELS, PROBABILITIES)


def test_sparse_equals_one_hot():
    for from_logits, outputs in ((False, PROBABILITIES), (True, SCORES)):
        sparse = SparseCategoricalCrossentropy(from_logits)
        full = CategoricalCrossentropy(from_logits)
        assert sparse(LABELS, outputs) == full(ONE_HOT, outputs)
        assert sparse.gradient(LABELS, outputs) == full.gradient(ONE_HOT, outputs)


def test_a_flat_list_is_a_column():
    for loss in (MeanSquaredError(), BinaryCrossentropy()):
        t, y = [1.0, 0.0, 1.0], [0.25, 0.5, 0.75]
        t_column, y_column = [[v] for v in t], [[v] for v in y]
        assert loss(t, y) == loss(t_column, y_column) == loss(t, y_column)
        assert loss.gradient(t, y) == [g for [g] in loss.gradient(t, y_column)]
    sparse = SparseCategoricalCrossentropy()
    assert sparse([[c] for c in LABELS], PROBABILITIES) == sparse(LABELS, PROBABILITIES)
    with pytest.raises(
        ValueError, match=r"y_true must have shape \(3, 2\) for MeanSquaredError; got \(3,\)"
    ):
        MeanSquaredError()(t, [[0.0, 0.0]] * 3)


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred"),
    [
        ("BinaryCrossentropy", [1.0, 0.0], [0.5, 3.0]),
        ("CategoricalCrossentropy", [[0.0, 1.0], [0.0, 1.0]], [[0.5, 0.5], [-2.0, 0.5]]),
        ("SparseCategoricalCrossentropy", [1, 0], [[0.5, 0.5], [1.5, 0.5]]),
    ],
)
def test_outputs_that_are_no_probabilities(name, y_true, y_pred):
    loss = getattr(losses, name)()
    for call in (loss, loss.gradient):
        with pytest.raises(
            ValueError, match=r"y_pred must lie in \[0, 1\]; got .* at sample 1; set from_logits"
        ):
            call(y_true, y_pred)
    assert getattr(losses, name)(from_logits=True)(y_true, y_pred) > 0
