"""The page that explains a pass in Chromium: its numbers, and how it behaves."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.inspection.page_texts import LANGUAGES, TEXTS  # words alone

from cells import mostly_slow
from explained import ODD, classifier, numeric, two_ends, value_of, worked

D = md.layers.Dense
pytestmark = pytest.mark.browser


class Opened:
    """A page on file://, without a network, and all that it asked for or complained of."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.set_default_timeout(20_000)
        page.goto(path.as_uri())

    def texts(self, selector: str) -> list[str]:
        return [str(text) for text in self.page.locator(selector).all_inner_texts()]

    def title(self) -> str:
        return self.texts(".panel h2")[0]

    def steps(self) -> int:
        return int(self.texts(".at")[0].split("/")[1])

    def numbers(self) -> dict[str, str]:
        """What the page says of each number, by its name there, at this step."""
        script = "all => all.map(one => [one.dataset.of, one.dataset.value, one.textContent])"
        found = {}
        for name, value, text in self.page.eval_on_selector_all("[data-of]", script):
            if (
                not name.startswith(("new", "g", "error")) or "=" in text
            ):  # tables have fewer digits
                shown = text.replace("=", "").replace(" ", "")
                assert re.sub(r"·10(.*)", r"·10", value) == re.sub(r"·10.*", "·10", shown)
            assert found.setdefault(name, value) == value
        return found

    def is_wide(self) -> bool:
        # Not innerWidth: a phone's grows with what it has to show.
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return bool(width > self.page.viewport_size["width"])


Open = Callable[..., Opened]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens an explanation's page; afterwards none has asked for anything or complained."""
    pages: list[Opened] = []
    contexts: list[Any] = []

    def open_(made: Any, language: str = "en", **options: Any) -> Opened:
        text = made if isinstance(made, str) else made.to_html(language)
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(text, encoding="utf-8")
        size = {"width": 1200, "height": 900}
        contexts.append(chromium.new_context(**({"viewport": size, "offline": True} | options)))
        pages.append(Opened(contexts[-1].new_page(), path))
        return pages[-1]

    yield open_
    for one, context in zip(pages, contexts, strict=True):
        assert one.complaints == []
        assert {url for url in one.requests if not url.startswith("about:")} == {one.path.as_uri()}
        context.close()


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def read(text: str) -> float:
    mantissa, _, power = text.replace("−", "-").partition("·10")
    return float(f"{mantissa}e{power.translate(POWERS)}" if power else mantissa)


def expected(made: Any, name: str, sample: int = 0) -> Any:
    """The number of the explanation that the page calls so."""
    if name.startswith("at|"):
        _, slot, path, flat = name.split("|")
        layer, _, own = path.partition("/")
        whole = {
            "w": made[layer].parameters[own],
            "new": made.update.parameters[path],
        }.get(slot, made.gradients[path])
        return whole.ravel()[int(flat)]
    what, *rest = name.split("-")
    if what == "L":
        return made.loss
    if what in ("gate", "error"):
        layer, _, way = rest[0].partition(".")
        step = made[int(layer)]
        gates = (step.within[int(way)] if way else step).gates
        which, place = rest[1], (sample, *map(int, rest[2:]))
        if what == "gate":
            return gates.values[which][place]
        return gates.deltas[which[1:]][place] if which[0] == "d" else gates.errors[which][place]
    step = made[int(rest.pop(0))]
    if what in ("z", "a", "slope", "da", "delta"):
        return getattr(step, what)[sample].ravel()[int(rest[0])]
    if rest[0] in ("kernel", "bias"):
        parameter = rest.pop(0)
    else:
        parameter = "bias" if what == "gb" else "kernel"
    path = f"{step.name}/{parameter}"
    place = tuple(map(int, rest if parameter == "kernel" else rest[-1:]))
    if what in ("g", "gb", "central"):
        return made.gradients[path][place]
    assert what == "new"
    return made.update.parameters[path][place]


def equations(one: Opened) -> int:
    """Checks that what stands beside each other comes to the same; returns how many held."""
    script = """all => all.map(one => [...one.querySelectorAll('math')].map(m => m.dataset.tex))"""
    count = 0
    for pieces in one.page.eval_on_selector_all(".eq", script):
        parts = [part.strip() for part in re.split(r"=|\\leftarrow", " ".join(pieces))]
        values = [value_of(part) for part in parts if numeric(part)]
        for value in values:
            assert value == pytest.approx(values[-1], rel=1e-3, abs=2e-6), pieces
        count += len(values) > 1
    return count


def walked(one: Opened) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(one.steps()):
        found |= one.numbers()
        one.page.keyboard.press("ArrowRight")
    return found


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["en"]))
@pytest.mark.parametrize("which", mostly_slow(["worked", "classifier"], ["classifier"]))
def test_every_number_in_the_browser_is_the_explanations(
    opened: Open, which: str, language: str
) -> None:
    if which == "worked":
        made = worked()
    else:
        model, x, y = classifier(samples=1)
        model.fit(x, y, epochs=3, verbose=0)
        made = model.explain(x, y)
    found = walked(opened(made, language))
    for name, text in found.items():
        assert read(text) == float(f"{expected(made, name):.6g}"), name
    for layer, step in enumerate(made):
        for j in range(step.z.shape[1]):
            for what in ("z", "a", "delta", "da", "gb"):
                assert f"{what}-{layer}-{j}" in found
            assert f"new-{layer}-bias-0-{j}" in found
            for i in range(step.x.shape[1]):
                assert f"g-{layer}-{i}-{j}" in found
                assert {f"new-{layer}-kernel-{i}-{j}", f"new-{layer}-{i}-{j}"} & set(found)
    assert "L" in found


@pytest.mark.parametrize(
    "which", mostly_slow(["worked", "one", "three", "penalised", "large"], ["penalised"])
)
def test_every_equation_in_the_browser_holds(opened: Open, which: str) -> None:
    """Numbers put into a formula come to the number behind it, in steps and in traces."""
    if which in ("worked", "penalised"):
        made = worked() if which == "worked" else ODD[which]()
    else:
        sizes = {"units": 30, "inputs": 5, "samples": 2} if which == "large" else {"units": 3}
        model, x, y = classifier(**({"samples": 1 if which == "one" else 3} | sizes))
        model.fit(x, y, epochs=2, verbose=0)
        made = model.explain(x, y)
    one = opened(made)
    held = 0
    for _ in range(one.steps()):
        held += equations(one)
        one.page.keyboard.press("ArrowRight")
    for layer, step in enumerate(made):
        if step.kind != "Dense":
            continue
        one.page.locator("[data-key='s-layer']").select_option(str(layer))
        for i in (0, step.x.shape[1] - 1):
            one.page.locator("[data-key='s-weight']").select_option(label=str(i + 1))
            held += equations(one)
    assert held > 30


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["id"]))
def test_losses_of_several_outputs_are_written_out(opened: Open, language: str) -> None:
    made = two_ends()
    one = opened(made, language, **PHONE)
    one.page.locator("[data-key='phase-loss']").tap()
    found = one.numbers()
    assert read(found["L"]) == float(f"{made.loss:.6g}")
    for name, text in found.items():
        assert read(text) == float(f"{expected(made, name):.6g}"), name
    assert {"da-1-0", "da-1-1", "da-2-0"} <= set(found)
    # Of both samples p; each loss, and L; of one sample what each output changes.
    assert equations(one) == 4 + 3 + 3
    heads = ["kelas: CategoricalCrossentropy", "nilai: MeanSquaredError", "L", "kelas", "nilai"]
    assert one.texts(".panel h3") == heads
    tex = one.page.eval_on_selector_all(".panel math", "all => all.map(one => one.dataset.tex)")
    assert r"L = L_{1} + 0.5 \cdot L_{2}" in tex
    assert r"= 0.5 \cdot \frac{2}{n} \cdot (a_{1} - y_{1})" in tex
    assert not one.is_wide() and "undefined" not in one.texts("body")[0]
    for _ in range(one.steps()):  # δ of an output has its loss's slope, too
        equations(one)
        one.page.keyboard.press("ArrowRight")


@pytest.mark.slow
def test_the_worked_examples_calculation_is_written_out(opened: Open) -> None:
    one = opened(worked(), "id")
    for _ in range(one.steps()):
        one.page.keyboard.press("ArrowRight")
        if one.title() == "Propagasi mundur: galat δ dari dense":
            break
    # Letters in italics are characters of their own.
    row = unicodedata.normalize("NFKC", "".join(one.texts(".panel .line")[0].split()))
    for part in (
        "=w11(2)·δ1(2)+w12(2)·δ2(2)=0.4·0.138499+0.5·(−0.0380982)=0.0363503",
        "(z1(1))=a·(1−a)=0.59327·(1−0.59327)=0.241301",
        "=0.241301·0.0363503=0.00877135",
    ):
        assert part in row


def test_a_click_traces_a_neuron_and_a_weight(opened: Open) -> None:
    made = worked()
    one = opened(made)
    trace = ".trace h3"
    one.page.locator("[data-key='n-0-0']").click()
    assert one.texts(trace) == ["Neuron 1 of dense"]
    assert one.page.locator(".edge.path").count() == 4  # both its weights, and both outputs to L
    one.page.locator("[data-key='n-0-0']").click()
    assert one.texts(trace) == []
    box = one.page.locator("[data-key='w-1-0-1']").bounding_box()
    one.page.mouse.click(box["x"] + 0.86 * box["width"], box["y"] + 0.86 * box["height"])
    assert one.texts(trace) == ["Weight w12 of dense_1"]
    numbers = one.numbers()
    assert read(numbers["g-1-0-1"]) == float(f"{made[1].dW[0, 1]:.6g}")
    assert read(numbers["central-kernel-1-0-1"]) == float(f"{made[1].dW[0, 1]:.6g}")
    assert "new-1-kernel-0-1" in numbers
    text = one.texts(".trace")[0]
    assert "straight from the loss" in text and "differs by" in text
    one.page.locator("[data-key='s-weight']").select_option(label="2")
    assert one.texts(trace) == ["Weight w22 of dense_1"]
    one.page.locator("[data-key='s-layer']").select_option(label="(1) dense")
    assert one.texts(trace) == ["Neuron 1 of dense"]
    one.page.locator("[data-key='clear']").click()
    assert one.texts(trace) == []


def test_buttons_and_keys_go_through_the_steps(opened: Open) -> None:
    one = opened(worked())
    press, page = one.page.keyboard.press, one.page
    last = one.steps()
    first = one.title()
    page.locator("[data-key='next']").click()
    assert one.title() == "Forward: weighted sums z of dense"
    press("Enter")  # the button keeps the focus
    assert one.title() == "Forward: activations a of dense"
    press("ArrowLeft")
    press("ArrowLeft")
    press("ArrowLeft")
    assert one.title() == first
    press("End")
    assert one.texts(".at") == [f"{last} / {last}"] and "central differences" in one.title()
    assert page.locator("[data-key='next']").is_disabled()
    press("Home")
    page.locator("[data-key='phase-backward']").click()
    assert one.title() == "Backward: errors δ of dense_1"
    assert page.locator(".told").inner_text() == one.title()  # said to who does not see it
    page.locator("[data-key='digits']").focus()
    press("ArrowRight")  # belongs to the choice
    assert one.title() == "Backward: errors δ of dense_1"
    page.locator("[data-key='n-1-1']").focus()
    press("Enter")
    assert one.texts(".trace h3") == ["Neuron 2 of dense_1"]
    assert page.evaluate("document.activeElement.dataset.key") == "n-1-1"
    press("Escape")
    assert one.texts(".trace h3") == []


@pytest.mark.slow
def test_the_language_changes_on_the_page(opened: Open) -> None:
    one = opened(worked(), "id")
    assert one.page.title() == "Propagasi mundur, langkah demi langkah"
    one.page.keyboard.press("End")
    assert "beda hingga pusat" in one.title()
    one.page.locator("[data-key='language-en']").click()
    assert one.page.title() == "Backpropagation, step by step"
    assert "central differences" in one.title()
    assert one.page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("name", mostly_slow(["worked", "classifier", *ODD], ["long_names"]))
def test_every_kind_of_model_fits_on_a_phone(opened: Open, name: str) -> None:
    if name == "classifier":
        model, x, y = classifier(units=16, inputs=9)
        made = model.explain(x, y)
    else:
        made = worked() if name == "worked" else ODD[name]()
    one = opened(made, "id", **PHONE)
    one.page.locator("[data-key='phase-check']").tap()
    assert one.page.locator("[data-key='phase-check']").is_visible()
    box = one.page.locator("[data-key='phase-check']").bounding_box()
    assert box["x"] + box["width"] <= 360, "the phase at hand is in sight"
    one.page.locator("[data-key='first']").tap()
    circles = one.page.locator(".node.choosable")
    if circles.count():
        circles.first.tap()
        assert one.texts(".trace h3")
    for _ in range(one.steps()):
        assert not one.is_wide(), one.title()
        said = one.texts("body")[0]
        assert "undefined" not in said
        assert "NaN" not in said or name == "not_a_number"
        one.page.locator("[data-key='next']").tap(force=True)
    for key in one.page.eval_on_selector_all(
        "button", "all => all.filter(one => !one.textContent && !one.ariaLabel).length ? ['x'] : []"
    ):
        pytest.fail(f"a button without a name: {key}")


@pytest.mark.slow
def test_a_large_layer_shows_single_neurons_on_demand(opened: Open) -> None:
    model, x, y = classifier(units=40, inputs=30, samples=20)
    made = model.explain(x, y)
    one = opened(made)
    assert "20 samples" in one.texts(".note")[0]
    one.page.keyboard.press("ArrowRight")
    assert one.page.locator(".panel .histogram").count() == 1
    chip = one.page.locator(".chips button").first
    j = int(chip.inner_text()) - 1
    assert j == np.abs(made[0].z[0]).argmax()
    chip.click()
    assert read(one.numbers()[f"z-0-{j}"]) == float(f"{made[0].z[0, j]:.6g}")
    one.page.locator("[data-key='s-weight']").select_option(label="30")
    assert read(one.numbers()[f"g-0-29-{j}"]) == float(f"{made[0].dW[29, j]:.6g}")


@pytest.mark.slow
def test_samples_take_turns(opened: Open) -> None:
    model, x, y = classifier(samples=3)
    made = model.explain(x, y)
    one = opened(made)
    one.page.keyboard.press("ArrowRight")
    one.page.locator("[data-key='sample']").select_option(value="2")
    for name, text in one.numbers().items():
        assert read(text) == float(f"{expected(made, name, sample=2):.6g}")


def test_two_in_a_notebook_do_not_disturb_each_other(opened: Open) -> None:
    frames = worked()._repr_html_() * 2
    style = "<style>button { color: rgb(1, 2, 3) } .panel { display: none }</style>"
    one = opened(f"<!doctype html><title>a</title>{style}<button class=outer>b</button>{frames}")
    first, second = (one.page.frame_locator("iframe").nth(n) for n in range(2))
    first.locator("[data-key='phase-loss']").click()
    assert first.locator(".panel h2").inner_text() == "Loss: how far from the targets"
    assert second.locator(".panel h2").inner_text() == "What you see here"
    second.locator("[data-key='language-id']").click()
    assert first.locator("h1").inner_text() == "Backpropagation, step by step"
    colour = "one => getComputedStyle(one).color"
    assert one.page.locator(".outer").evaluate(colour) == "rgb(1, 2, 3)"
    assert first.locator("[data-key='next']").evaluate(colour) != "rgb(1, 2, 3)"


@pytest.mark.slow
def test_who_wants_no_motion_gets_none_and_signs_differ_by_more_than_colour(opened: Open) -> None:
    model, x, y = classifier(samples=1)
    made = model.explain(x, y)
    moving = "one => getComputedStyle(one).transitionDuration"
    one = opened(made)
    assert one.page.locator(".node circle").first.evaluate(moving) != "0s"
    dashes = "all => all.map(one => getComputedStyle(one).strokeDasharray)"
    assert "none" not in one.page.eval_on_selector_all(".edge.minus", dashes)
    assert set(one.page.eval_on_selector_all(".edge.plus", dashes)) == {"none"}
    still = opened(made, reduced_motion="reduce")
    assert still.page.locator(".node circle").first.evaluate(moving) == "0s"


# ---- within layers -------------------------------------------------------------------------------


def recurrent(layer: Any) -> Any:
    model = md.Model([copy.deepcopy(layer), D(1, "sigmoid")], seed=0)
    model.compile("nadam", "binary_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(2, 3, 2)), np.array([[1], [0]])
    model.fit(x, y, epochs=3, verbose=0)
    return model.explain(x, y)


RECURRENT = {
    "lstm": md.layers.LSTM(2, bias_initializer="random_normal"),
    "backwards": md.layers.LSTM(2, "softsign", go_backwards=True),
    "gru": md.layers.GRU(2, bias_initializer="random_normal"),
    "gru_before": md.layers.GRU(2, reset_after=False, use_bias=False),
    "simple": md.layers.SimpleRNN(2, bias_initializer="random_normal"),
}


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["id"]))
@pytest.mark.parametrize("name", mostly_slow(RECURRENT, ["gru"]))
def test_gates_are_shown_step_by_step(opened: Open, name: str, language: str) -> None:
    made = recurrent(RECURRENT[name])
    gates = made[0].gates
    one = opened(made, language)
    one.page.keyboard.press("ArrowRight")
    one.page.locator("[data-key='gate-unit']").select_option(label="2")
    names = {"LSTM": "ifgoch", "GRU": "zrnh", "SimpleRNN": "h"}[made[0].kind]
    found: dict[str, str] = {}
    held = 0
    for place, t in enumerate(gates.order):
        for which in names:
            cell = one.page.locator(f"[data-key='gate-0-{which}-{place}']")
            cell.click()
            assert one.page.evaluate("document.activeElement.dataset.key").endswith(f"-{place}")
            behind = one.texts(".panel .step .link h4")
            says = {"en": f"The sum behind {which}", "id": f"Jumlah di balik {which}"}[language]
            assert behind == ([says] if which in gates.sums else [])
            held += equations(one)
        title = {"en": f"Step {t + 1}, unit 2", "id": f"Langkah {t + 1}, unit 2"}[language]
        assert one.texts(".step h3") == [title]
        found |= one.numbers()
    for which in names:
        for t in range(3):
            text = found[f"gate-0-{which}-{t}-1"]
            assert read(text) == float(f"{gates.values[which][0, t, 1]:.6g}")
    assert held >= 3 * len(names)

    one.page.locator("[data-key='phase-backward']").click()
    for _ in range(2):
        one.page.keyboard.press("ArrowRight")
    assert (" of " if language == "en" else " dari ") + made[0].name in one.title()
    back, held = {}, 0
    for place in range(3):
        one.page.locator(f"[data-key='gate-0-{names[0]}-{place}']").or_(
            one.page.locator(f"[data-key='gate-0-d{names[0]}-{place}']")
        ).first.click()
        back |= one.numbers()
        held += equations(one)
    for which, delta in gates.deltas.items():
        for t in range(3):
            assert read(back[f"error-0-d{which}-{t}-1"]) == float(f"{delta[0, t, 1]:.6g}")
    for which in {"LSTM": "hc"}.get(made[0].kind, "h"):
        for t in range(3):
            number = float(f"{gates.errors[which][0, t, 1]:.6g}")
            assert read(back[f"error-0-{which}-{t}-1"]) == number
    assert held >= 3 * len(gates.deltas)


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["id"]))
def test_both_directions_are_shown_in_their_own_order_of_time(opened: Open, language: str) -> None:
    made = recurrent(md.layers.Bidirectional(md.layers.GRU(2, bias_initializer="random_normal")))
    one = opened(made, language, **PHONE)
    one.page.keyboard.press("ArrowRight")
    ways = ("way_ahead", "way_back")
    for back in (False, True):
        found: dict[str, str] = {}
        for way, order in ((0, ["1", "2", "3"]), (1, ["3", "2", "1"])):
            one.page.locator("[data-key='gate-way']").select_option(value=str(way))
            assert TEXTS[ways[way]][language] in one.texts(".panel")[0]
            assert one.texts(".gates thead th") == order
            first = "dn" if back else "n"
            for place in range(3):
                one.page.locator(f"[data-key='gate-0.{way}-{first}-{place}']").click()
                at = {"en": f"Step {order[place]}, unit 1", "id": f"Langkah {order[place]}, unit 1"}
                assert one.texts(".step h3") == [at[language]]
                found |= one.numbers()
                assert equations(one) >= 3
            assert not one.is_wide()
        names = [name for name in found if name.startswith("error" if back else "gate")]
        assert len(names) == (2 * 3 * 4)
        for name in names:
            assert read(found[name]) == float(f"{expected(made, name):.6g}"), name
        one.page.locator("[data-key='phase-backward']").click()
        while not one.title().endswith("bidirectional"):
            one.page.keyboard.press("ArrowRight")


@pytest.mark.slow
def test_time_steps_are_chosen_by_keys_and_on_a_phone(opened: Open) -> None:
    made = recurrent(RECURRENT["lstm"])
    one = opened(made)
    one.page.keyboard.press("ArrowRight")
    at = one.title()
    one.page.locator("[data-key='gate-time']").focus()
    for t in (2, 3):
        one.page.keyboard.press("ArrowRight")
        assert one.texts(".step h3") == [f"Step {t}, unit 1"] and one.title() == at
        assert one.page.evaluate("document.activeElement.dataset.key") == "gate-time"
    one.page.locator("[data-key='gate-0-g-0']").focus()
    one.page.keyboard.press("Enter")
    assert one.texts(".step h3") == ["Step 1, unit 1"]
    one.page.locator("[data-key='sample']").select_option(value="1")
    for name, text in one.numbers().items():
        if name.startswith("gate"):
            assert read(text) == float(f"{expected(made, name, sample=1):.6g}")

    phone = opened(made, "id", **PHONE)
    phone.page.locator("[data-key='next']").tap()
    phone.page.locator("[data-key='gate-0-c-2']").tap()
    assert phone.texts(".step h3") == ["Langkah 3, unit 1"]
    assert not phone.is_wide()
    box = phone.page.locator("[data-key='gate-time']").bounding_box()
    assert box["x"] + box["width"] <= 360


@pytest.mark.slow
def test_masked_steps_and_long_sequences_say_so(opened: Open) -> None:
    one = opened(ODD["masked"]())
    for _ in range(2):
        one.page.keyboard.press("ArrowRight")
    one.page.locator("[data-key='gate-0-f-2'], [data-key='gate-1-f-2']").first.click()
    assert "This step is masked: the states stay as they were." in one.texts(".step")[0]
    model = md.Model([md.layers.LSTM(2), D(1)], seed=0)
    long = opened(model.explain(np.ones((1, 40, 1)), [[1.0]], "mse"), "id")
    long.page.keyboard.press("ArrowRight")
    assert "lapisan ini punya 40, 2, dan 1" in long.texts(".panel")[0]
    assert long.page.locator("[data-key='gate-time']").count() == 0


def pictured() -> Any:
    L = md.layers
    layers = [L.Conv2D(3, 3, activation="tanh", name="conv"), L.MaxPooling2D(2), L.Flatten(), D(2)]
    model = md.Model(layers, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, 8, 6, 2))
    return model.explain(x, np.zeros((2, 2)))


# The pixels of a canvas: red, green, blue and opacity.
PIXELS = """one => [one.width, one.height,
  [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]]"""


def check_map(one: Opened, values: Any, most: float) -> None:
    width, height, data = one.page.locator(".view canvas").evaluate(PIXELS)
    assert (height, width) == values.shape
    pixels = np.array(data).reshape(height, width, 4)
    share = np.abs(values) / most
    red = np.where(values < 0, 255 + share * (213 - 255), 255 * (1 - share))
    assert np.abs(pixels[..., 0] - red).max() <= 1 and (pixels[..., 3] == 255).all()


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["en"]))
def test_maps_are_shown_and_read(opened: Open, language: str) -> None:
    made = pictured()
    step = made["conv"]
    one = opened(made, language)
    page = one.page
    assert page.locator(".maps canvas").count() == 2  # the image's channels
    page.keyboard.press("ArrowRight")
    assert one.texts(".panel h3") == [
        {"en": "Feature maps of conv", "id": "Peta fitur conv"}[language]
    ]
    assert page.locator(".maps canvas").count() == 3
    for back in (False, True):
        of = step.delta if back else step.a
        if back:
            page.locator("[data-key='phase-backward']").click()
            while one.title().split()[-1] != "conv":
                page.keyboard.press("ArrowRight")
        else:
            page.locator("[data-key='map-0-1']").click()
        what = "delta" if back else "a"
        values = step.maps(0)[what][1]
        check_map(one, values, np.abs(of[0]).max())
        box = page.locator(".view").bounding_box()
        height, width = values.shape
        page.locator(".view").click(
            position={"x": 2.5 * box["width"] / width, "y": 4.5 * box["height"] / height}
        )
        name = f"map-0-{what}-1"
        assert read(one.numbers()[f"{name}-4-2"]) == float(f"{values[4, 2]:.6g}")
        page.keyboard.press("ArrowUp")  # the picture has the focus
        page.keyboard.press("ArrowRight")
        assert read(one.numbers()[f"{name}-3-3"]) == float(f"{values[3, 3]:.6g}")
        for _ in range(9):
            page.keyboard.press("ArrowLeft")
        assert f"{name}-3-0" in one.numbers() and one.title().split()[-1] == "conv"
        arrays = step.gradients if back else step.parameters
        shown = [read(text) for text in one.texts(".kernel td")]
        kernel = arrays["kernel"][..., 1].transpose(2, 0, 1).ravel()
        assert shown == pytest.approx([float(f"{v:.3g}") for v in kernel])
        page.locator("[data-key='map-numbers']").click()
        cells = [read(text) for text in one.texts(".large > .scroll td")]
        assert cells == pytest.approx([float(f"{v:.3g}") for v in values.ravel()])
        page.locator("[data-key='map-numbers']").click()
    page.locator("[data-key='sample']").select_option(value="1")
    check_map(one, step.maps(1)["delta"][1], np.abs(step.delta[1]).max())
    page.locator("[data-key='map-0-1']").press("Enter")
    assert page.locator(".view").count() == 0


@pytest.mark.slow
def test_maps_fit_on_a_phone(opened: Open) -> None:
    one = opened(pictured(), "id", **PHONE)
    one.page.locator("[data-key='next']").tap()
    one.page.locator("[data-key='map-0-2']").tap()
    one.page.locator("[data-key='map-numbers']").tap()
    assert not one.is_wide()
    box = one.page.locator(".view").bounding_box()
    assert box["width"] > 250 and box["x"] + box["width"] <= 360
    touched = {"x": box["width"] - 3, "y": 3}
    one.page.locator(".view").tap(position=touched)
    assert "baris 1, kolom 4" in one.texts(".pixel")[0]


@pytest.mark.parametrize(
    "optimizer", mostly_slow(["adadelta", "nadam", "adamax", "ftrl", "adafactor"], ["nadam"])
)
def test_the_updates_equations_hold_in_the_browser(opened: Open, optimizer: str) -> None:
    options = {"weight_decay": 0.1, "clipnorm": 0.1, "use_ema": True, "learning_rate": 0.1}
    made_of = md.optimizers.get({"class_name": optimizer, "config": options})
    layer = D(2, "tanh", kernel_constraint="max_norm", kernel_regularizer="l1_l2")
    model = md.Model([layer, D(1)], input_shape=(2,), seed=0)
    model.compile(made_of, "mse")
    x, y = np.array([[0.5, -1.0]]), np.array([[1.0]])
    model.fit(x, y, epochs=2, verbose=0)
    one = opened(model.explain(x, y), "id", **PHONE)
    one.page.locator("[data-key='phase-update']").tap()
    for layer, lines in ((0, 1), (1, 1)):
        assert equations(one) > 6 * lines, layer
        said = one.texts(".panel")[0]
        assert "Sama untuk seluruh dense" in said and "undefined" not in said
        assert not one.is_wide()
        one.page.locator("[data-key='next']").tap()


# ---- single weights ------------------------------------------------------------------------------


def weighty() -> Any:
    L = md.layers
    layers = [
        L.Embedding(2000, 3, name="table"),
        L.Conv1D(2, 2, name="conv", kernel_regularizer="l2"),
        L.LayerNormalization(name="norm"),
        L.GRU(2, name="gru"),
        D(1),
    ]
    model = md.Model(layers, seed=0)
    model.compile("adam", "mse")
    x, y = np.array([[5, 1999, 5, 0]]), np.array([[1.0]])
    model.fit(x, y, epochs=2, verbose=0)
    return model.explain(x, y)


@pytest.mark.parametrize("language", mostly_slow(LANGUAGES, ["id"]))
def test_one_weight_of_any_layer_shows_its_update(opened: Open, language: str) -> None:
    made = weighty()
    one = opened(made, language, **PHONE)
    page = one.page

    def to(phase: str, layer: str) -> None:
        page.locator(f"[data-key='phase-{phase}']").tap()
        for _ in range(30):
            if one.title().split()[-1] == layer and ("gradi" in one.title() or phase == "update"):
                return
            page.keyboard.press("ArrowRight")
        raise AssertionError(one.title())

    def check(path: str, flat: int) -> None:
        found = {name: v for name, v in one.numbers().items() if name.startswith("at|")}
        for name, text in found.items():
            rel = 1e-4 if "|central|" in name else 0
            assert read(text) == pytest.approx(float(f"{expected(made, name):.6g}"), rel, abs=1e-9)
        assert f"at|g|{path}|{flat}" in found and f"at|w|{path}|{flat}" in found
        assert not one.is_wide()

    to("backward", "conv")
    page.locator("[data-key='cell-conv/kernel-6']").tap()  # place 2, input 1, output 1 of (2, 3, 2)
    check("conv/kernel", 6)
    assert TEXTS["one_weight"][language].format("conv/kernel", "2, 1, 1") in one.texts(".panel")[0]
    page.locator("[data-key='single-conv/kernel-2']").select_option(label="2")
    check("conv/kernel", 7)
    assert "at|central|conv/kernel|7" in one.numbers()
    terms = made["conv"].terms("kernel", (1, 0, 1))
    first = terms.given[0], terms.delta[0]
    said = "".join(one.texts(".panel")[0].split()).replace("−", "-")
    assert f"({first[0]:.6g})·" in said or f"={first[0]:.6g}·" in said
    assert TEXTS["terms_all"][language].format(len(terms.delta)) in one.texts(".panel")[0]
    to("update", "conv")
    check("conv/kernel", 7)  # the choice stays
    assert "at|new|conv/kernel|7" in one.numbers()
    held = equations(one)
    assert held >= 3 * 2, "the mean, the mean of squares, the new weight; of kernel and bias"
    to("update", "gru")
    page.locator("[data-key='cell-gru/recurrent_kernel-3']").tap()
    check("gru/recurrent_kernel", 3)
    assert "r2" in one.texts(".panel")[0] and equations(one) >= 3 * 3
    to("update", "norm")
    page.locator("[data-key='cell-norm/gamma-1']").tap()
    check("norm/gamma", 1)
    to("update", "table")
    page.locator("[data-key='single-table/embeddings-0']").fill("1999")
    page.locator("[data-key='single-table/embeddings-0']").press("Enter")
    top = one.texts(".chips button[aria-pressed='true']")
    flat = 1999 * 3 + int(top[0].split(", ")[1]) - 1 if top else None
    assert flat is not None
    check("table/embeddings", flat)
    assert f"at|new|table/embeddings|{flat}" in one.numbers() and equations(one) >= 3
    page.locator("[data-key='single-table/embeddings-0']").fill("1234")
    page.locator("[data-key='single-table/embeddings-0']").press("Enter")
    said = TEXTS["single_not_held"][language].split("{1}")[0].format("table/embeddings")
    assert said in one.texts(".panel")[0]
