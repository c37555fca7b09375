"""The model: chains proven by central differences, training, freezing, names, XOR."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import Model
from mundur.reference.check import check_backward, check_model, difference
from mundur.reference.layers import Activation, Dense, Dropout, Flatten, Rescaling
from mundur.reference.lists import filled, flatten, shape
from mundur.reference.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from mundur.reference.optimizers import SGD, Adam


def numbers(of_shape, seed=0, low=-2.0, high=2.0):
    rng = Random(seed)
    return filled(of_shape, lambda: rng.uniform(low, high))


def copied(parameters):
    return {name: flatten(values) for name, values in parameters.items()}


ONE_HOT = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
HALVES = [[0.5, 1.0, 0.0], [1.0, 0.25, 0.0], [0.0, 0.5, 1.0], [1.0, 1.0, 0.0]]
CHAINS = {
    "deep, logits": (
        [Dense(6, "tanh"), Dense(5, "sigmoid"), Dense(4, "relu"), Dense(3)],
        SparseCategoricalCrossentropy(from_logits=True),
        [1, 0, 2, 1],
    ),
    "softmax, probabilities": (
        [Dense(5, "tanh"), Dense(3, "softmax")],
        CategoricalCrossentropy(),
        ONE_HOT,
    ),
    "softmax within": ([Dense(5, "softmax"), Dense(3)], MeanSquaredError(), ONE_HOT),
    "sigmoid, probabilities": (
        [Dense(5), Activation("tanh"), Dense(3, "sigmoid", use_bias=False)],
        BinaryCrossentropy(),
        HALVES,
    ),
    "every layer": (
        [
            Rescaling(0.5, offset=0.1),
            Activation("sigmoid"),
            Flatten(),
            Dropout(0.5),
            Dense(4, "tanh"),
            Dense(3),
        ],
        BinaryCrossentropy(from_logits=True),
        HALVES,
    ),
}


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 3.0, 0.5]], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CHAINS)
def test_gradients_of_chains(case, weights):
    layers, loss, y = CHAINS[case]
    model = Model(layers, seed=1, input_shape=(2, 2) if "every" in case else (4,))
    x = numbers((4, *model.layers[0].input_shape), seed=2)
    for layer in layers:
        if isinstance(layer, Dropout):
            layer.fixed_mask = [[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1]]
    differences = check_model(model, x, y, loss, weights, training=True)
    assert set(differences) == {"x", *model.parameters}
    assert max(differences.values()) < 1e-7, differences
    assert max(check_backward(model, x, training=True).values()) < 1e-7


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(2, 4), st.sampled_from(["sigmoid", "tanh", "softmax"])),
        min_size=1,
        max_size=3,
    ),
)
def test_gradients_of_any_chain(batch, inputs, sizes):
    model = Model([Dense(units, f) for units, f in sizes], input_shape=(inputs,))
    x, y = numbers((batch, inputs)), numbers((batch, sizes[-1][0]), seed=1)
    # Softmax upon softmax fades gradients, but not the rounding of the loss they are found from.
    assert max(check_model(model, x, y, MeanSquaredError()).values()) < 1e-6


def test_a_wrong_chain_is_found_out():
    class Wrong(Dense):
        def backward(self, gradient):
            dx = super().backward(gradient)
            return [*dx[:-1], [0.5 * value for value in dx[-1]]]

    model = Model([Dense(3, "tanh"), Wrong(2)], input_shape=(2,))
    found = check_model(model, numbers((3, 2)), numbers((3, 2)), MeanSquaredError())
    assert found["dense/kernel"] > 1e-3
    assert found["wrong/kernel"] < 1e-8


def test_the_gradient_of_the_mean_is_the_mean_of_gradients():
    model, loss = Model([Dense(3, "tanh"), Dense(1)], input_shape=(2,)), MeanSquaredError()
    x, y = numbers((5, 2)), numbers((5, 1), seed=1)

    def gradients(x, y):
        model.backward(loss.gradient(y, model.forward(x)))
        return copied(model.gradients)

    alone = [gradients([x_n], [y_n]) for x_n, y_n in zip(x, y, strict=True)]
    for name, together in gradients(x, y).items():
        mean = [sum(parts) / 5 for parts in zip(*(g[name] for g in alone), strict=True)]
        assert difference(together, mean) < 1e-13


def test_a_weight_of_two_equals_a_doubled_sample_in_training():
    def trained(x, y, weights):
        model = Model([Dense(3, "tanh"), Dense(1)], input_shape=(2,))
        model.compile(Adam(0.1), MeanSquaredError())
        for _ in range(5):
            model.train_on_batch(x, y, weights)
        return copied(model.parameters)

    x, y = numbers((3, 2)), numbers((3, 1), seed=1)
    doubled = trained([*x, x[2]], [*y, y[2]], None)
    for name, values in trained(x, y, [1.0, 1.0, 2.0]).items():
        assert difference(values, doubled[name]) < 1e-12


class TestTraining:
    XOR = ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])

    @pytest.mark.parametrize(
        ("optimizer", "loss", "head", "epochs"),
        [
            (Adam(0.1), BinaryCrossentropy(), "sigmoid", 150),
            (Adam(0.1), BinaryCrossentropy(from_logits=True), None, 150),
            (SGD(0.5, momentum=0.9), MeanSquaredError(), "sigmoid", 300),
            (SGD(0.2, momentum=0.9, nesterov=True), BinaryCrossentropy(), "sigmoid", 200),
        ],
        ids=repr,
    )
    def test_xor(self, optimizer, loss, head, epochs):
        x, y = self.XOR
        model = Model([Dense(4, "tanh"), Dense(1, head)], seed=3)
        model.compile(optimizer, loss)
        history = model.fit(x, y, batch_size="full", epochs=epochs)
        threshold = 0.5 if head else 0.0
        assert [int(p > threshold) for [p] in model.predict(x)] == y
        assert history["loss"][-1] < 0.05 < history["loss"][0]
        assert model.evaluate(x, y) < 0.05

    def test_a_line_is_not_enough_for_xor(self):
        x, y = self.XOR
        model = Model([Dense(1, "sigmoid")])
        model.compile(Adam(0.1), BinaryCrossentropy())
        assert model.fit(x, y, batch_size="full", epochs=200)["loss"][-1] > 0.69

    def test_three_classes_stochastically(self):
        rng = Random(0)
        centres = [(0.0, 2.0), (2.0, -1.0), (-2.0, -1.0)]
        y = [n % 3 for n in range(60)]
        x = [[rng.gauss(c, 0.4) for c in centres[label]] for label in y]
        model = Model([Dense(6, "relu"), Dense(3, "softmax")])
        model.compile(SGD(0.05), SparseCategoricalCrossentropy())
        model.fit(x, y, batch_size=1, epochs=10)
        right = [row.index(max(row)) == c for row, c in zip(model.predict(x), y, strict=True)]
        assert sum(right) >= 58

    def test_train_on_batch_is_the_pieces_by_hand(self):
        def make():
            return Model([Dense(3, "tanh"), Dropout(0.5), Dense(2)], seed=5)

        x, y, loss = numbers((4, 2)), numbers((4, 2), seed=1), MeanSquaredError()
        model, by_hand, optimizer = make(), make(), SGD(0.1, momentum=0.9)
        model.compile(SGD(0.1, momentum=0.9), loss)
        for _ in range(3):
            value = model.train_on_batch(x, y)
            y_pred = by_hand.forward(x, training=True)
            assert value == loss(y, y_pred)
            by_hand.backward(loss.gradient(y, y_pred))
            optimizer.step(by_hand)
        assert model.parameters == by_hand.parameters

    def test_nothing_is_dropped_in_predict_and_evaluate(self):
        x, y = numbers((4, 3)), numbers((4, 3), seed=1)
        model = Model([Dropout(0.5)], input_shape=(3,))
        model.compile(SGD(), MeanSquaredError())
        assert model.predict(x) == x
        assert model.evaluate(x, y) == MeanSquaredError()(y, x)
        assert model.train_on_batch(x, y) != model.evaluate(x, y)

    def test_fit_without_shuffle_is_a_loop_over_batches(self):
        x, y, w = numbers((5, 2)), numbers((5, 1), seed=1), [1.0, 2.0, 0.5, 1.0, 3.0]
        model, by_hand = (Model([Dense(1)], seed=0) for _ in range(2))
        for each in (model, by_hand):
            each.compile(SGD(0.1), MeanSquaredError())
        history = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, sample_weight=w)
        for epoch in range(2):
            total = 0.0
            for n in (0, 2, 4):
                part = slice(n, n + 2)
                total += by_hand.train_on_batch(x[part], y[part], w[part]) * sum(w[part])
            assert history["loss"][epoch] == pytest.approx(total / sum(w), rel=1e-14)
        assert model.parameters == by_hand.parameters

    def test_shuffling_visits_every_sample_once_per_epoch(self):
        seen = []

        class Recorder(Model):
            def learn(self, x, y, sample_weight):
                seen.extend(x)
                return super().learn(x, y, sample_weight)

        model = Recorder([Dense(1)], seed=0)
        model.compile(SGD(0.0), MeanSquaredError())
        x = [[float(n)] for n in range(40)]
        model.fit(x, [0.0] * 40, epochs=2)
        first, second = seen[:40], seen[40:]
        assert sorted(first) == sorted(second) == x
        assert len({str(x), str(first), str(second)}) == 3

    def test_seeds_repeat(self):
        def trained(seed):
            model = Model([Dense(3, "tanh"), Dropout(0.5), Dense(1)], seed=seed)
            model.compile(Adam(), MeanSquaredError())
            model.fit(numbers((9, 2)), numbers((9, 1), seed=1), batch_size=2, epochs=2)
            return model.parameters

        assert trained(1) == trained(1)
        assert trained(1) != trained(2)


class TestFreezing:
    def trained(self, freeze):
        model = Model([Dense(3, "tanh"), Dense(1)], input_shape=(2,))
        freeze(model)
        before = copied(model.parameters)
        model.compile(SGD(0.1, momentum=0.9), MeanSquaredError())
        model.fit(numbers((4, 2)), numbers((4, 1), seed=1), epochs=2)
        after = copied(model.parameters)
        return {name for name in before if before[name] != after[name]}

    def test_patterns(self):
        assert self.trained(lambda m: m.freeze("*/bias")) == {"dense/kernel", "dense_1/kernel"}
        assert self.trained(lambda m: m.freeze("dense/*")) == {"dense_1/kernel", "dense_1/bias"}

    def test_unfreeze(self):
        def freeze(model):
            model.freeze("*")
            model.unfreeze("dense_1/bias")

        assert self.trained(freeze) == {"dense_1/bias"}

    def test_layers(self):
        def freeze(model):
            model.layers[0].trainable = False

        assert self.trained(freeze) == {"dense_1/kernel", "dense_1/bias"}

    def test_freezing_between_backward_and_step(self):
        model = Model([Dense(1)], input_shape=(1,))
        model.backward(MeanSquaredError().gradient([[1.0]], model.forward([[2.0]])))
        assert set(model.gradients) == {"dense/kernel", "dense/bias"}
        model.freeze("*/bias")
        assert set(model.gradients) == {"dense/kernel"}

    def test_gradients_below_a_frozen_layer_are_unchanged(self):
        model = Model([Dense(3, "tanh"), Dense(1)], input_shape=(2,))
        model.freeze("dense_1/*")
        found = check_model(model, numbers((4, 2)), numbers((4, 1), seed=1), MeanSquaredError())
        assert set(found) == {"x", "dense/kernel", "dense/bias"}
        assert max(found.values()) < 1e-8

    def test_patterns_that_fit_nothing(self):
        model = Model([Dense(1)], input_shape=(1,))
        with pytest.raises(ValueError, match=r"no parameter matches '\*/weights'.*dense/kernel"):
            model.freeze("*/weights")


class TestParameters:
    def test_names(self):
        model = Model([Dense(2), Dense(2, name="middle"), Dense(2), Dense(1, use_bias=False)])
        model.build((3,))
        assert [name for name in model.parameters if name.endswith("kernel")] == [
            "dense/kernel",
            "middle/kernel",
            "dense_1/kernel",
            "dense_2/kernel",
        ]
        assert "dense_2/bias" not in model.parameters

    def test_given_names_are_not_given_again(self):
        model = Model([Dense(2), Dense(2, name="dense")], input_shape=(2,))
        assert [layer.name for layer in model.layers] == ["dense_1", "dense"]

    def test_equal_names(self):
        with pytest.raises(ValueError, match="two layers are named 'a'; names must be distinct"):
            Model([Dense(1, name="a"), Dense(1, name="a")])

    def test_they_are_live(self):
        model = Model([Dense(1)], input_shape=(2,))
        model.parameters["dense/kernel"][:] = [[2.0], [3.0]]
        model.parameters["dense/bias"][0] = 0.5
        assert model.predict([[1.0, 1.0]]) == [[5.5]]

    def test_a_name_cannot_be_given_to_another_list_in_vain(self):
        model = Model([Dense(1)], input_shape=(2,))
        with pytest.raises(TypeError):
            model.parameters["dense/kernel"] = [[2.0], [3.0]]

    def test_set_parameters_copies(self):
        model, bias = Model([Dense(1)], input_shape=(2,)), [7]
        model.set_parameters({"dense/bias": bias})
        model.parameters["dense/bias"][0] = 8.0
        assert bias == [7]

    def test_set_parameters_checks(self):
        model = Model([Dense(1)], input_shape=(2,))
        with pytest.raises(ValueError, match=r"dense/bias must have shape \(1,\); got \(2,\)"):
            model.set_parameters({"dense/bias": [1.0, 2.0]})
        with pytest.raises(ValueError, match=r"no parameter 'bias' \(known: dense/kernel"):
            model.set_parameters({"bias": [1.0]})

    def test_shape_from_the_first_batch(self):
        model = Model([Flatten(), Dense(4)])
        assert shape(model.predict([[[1, 2, 3], [4, 5, 6]]])) == (1, 4)
        assert shape(model.parameters["dense/kernel"]) == (6, 4)
        with pytest.raises(ValueError, match="flatten: x must have"):
            model.predict([[1, 2, 3]])


class TestBadInput:
    def test_arrays_and_text_are_no_lists(self):
        numpy = pytest.importorskip("numpy")
        model = Model([Dense(1)], input_shape=(2,))
        with pytest.raises(TypeError, match=r"got ndarray: pass x.tolist\(\)"):
            model.forward(numpy.ones((1, 2)))
        with pytest.raises(TypeError, match="got the text"):
            model.forward("ab")

    @pytest.mark.parametrize("batch_size", [0, -1])
    def test_batch_size(self, batch_size):
        model = Model([Dense(1)])
        model.compile(SGD(), MeanSquaredError())
        with pytest.raises(ValueError, match="batch_size must be >= 1; got"):
            model.fit([[1.0]], [[1.0]], batch_size=batch_size)

    @pytest.mark.parametrize(("x", "y"), [([[1.0], [2.0]], [1.0]), ([], []), ([[1.0]], [])])
    def test_lengths(self, x, y):
        model = Model([Dense(1)])
        model.compile(SGD(), MeanSquaredError())
        with pytest.raises(ValueError, match=r"[xy] must have shape"):
            model.fit(x, y)

    def test_training_before_compile(self):
        with pytest.raises(RuntimeError, match=r"call compile\(optimizer, loss\) first"):
            Model([Dense(1)]).fit([[1.0]], [[1.0]])

    def test_freezing_before_there_is_anything(self):
        with pytest.raises(RuntimeError, match="give input_shape"):
            Model([Dense(1)]).freeze("*/bias")

    def test_backward_before_forward(self):
        with pytest.raises(RuntimeError, match="dense_1: call forward before backward"):
            Model([Dense(1), Dense(1)], input_shape=(1,)).backward([[1.0]])
