"""The playground's page in Chromium: what is clicked, typed and drawn."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mundur as md
import pytest
from mundur import _core
from mundur.playground.runner import Runner
from mundur.playground.server import Server
from mundur.playground.session import Session
from mundur.playground.settings import PRESETS, Settings

from cells import mostly_slow
from waiting import Child, wait_for

pytestmark = pytest.mark.browser
CSV = "a,b,colour\n" + "".join(
    f"{i % 7},{i % 5},{'red' if i % 7 < 3 else 'blue'}\n" for i in range(40)
)
PHONE = {"width": 390, "height": 844}
MESSAGES = json.loads(
    Path(md.__file__).with_name("playground").joinpath("strings.json").read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As small networks are trained elsewhere; tests have teams as large as told."""
    _core.set_num_threads(1)
    yield
    _core.set_num_threads(0)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server(0, Runner(Session(Settings(samples=60))))
    thread = threading.Thread(target=one.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.shutdown()
    wait_for(thread)
    one.server_close()


class Open:
    """A page of a server that must ask for nothing elsewhere, and complain of nothing."""

    def __init__(self, chromium: Any, server: Server | str, **options: Any) -> None:
        self.address = server if isinstance(server, str) else server.address
        self.session: Any = None if isinstance(server, str) else server.runner.session
        self.context = chromium.new_context(
            **{"locale": "en-GB", "viewport": {"width": 1400, "height": 1000}} | options
        )
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.address)
        self.page.wait_for_selector("body[data-running]")

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []
        elsewhere = [url for url in self.requests if not url.startswith(self.address)]
        assert [url for url in elsewhere if url != "data:,"] == []

    def drawn(self, name: str) -> str:
        return str(self.page.evaluate(f"document.getElementById('{name}').toDataURL()"))

    def at(self, epoch: int, step: int = 0) -> None:
        self.page.wait_for_selector(f'body[data-epoch="{epoch}"][data-step="{step}"]')

    def until_running(self, running: bool) -> None:
        self.page.wait_for_selector(f"body[data-running={str(running).lower()}]")


@pytest.fixture
def opened(chromium: Any, server: Server) -> Iterator[Open]:
    one = Open(chromium, server)
    yield one
    one.close()


NAMES = ("boundary", "curves", "network")


def test_a_training_is_seen(opened: Open) -> None:
    page = opened.page
    before = [opened.drawn(name) for name in NAMES]
    norms = page.inner_text("#layers tbody")
    page.click("#run")
    opened.until_running(True)
    assert page.inner_text("#run") == "Stop"
    page.wait_for_function("() => Number(document.body.dataset.epoch) > 5")
    page.click("#run")
    opened.until_running(False)
    assert page.inner_text("#run") == "Train"
    assert all(opened.drawn(n) != was for n, was in zip(NAMES, before, strict=True))
    assert page.inner_text("#layers tbody") != norms
    session = opened.session
    assert page.get_attribute("body", "data-epoch") == str(session.place.epoch)
    assert float(page.inner_text("#loss")) == float(f"{session.epochs[-1]['loss']:.3g}")
    assert page.inner_text("#acc").endswith("%")
    assert f"after {session.place.epoch} epochs" in page.get_attribute("#boundary", "aria-label")
    curves = page.evaluate("state.curves.val_loss")
    assert curves == [float(f"{logs['val_loss']:.4g}") for logs in session.epochs]


def test_steps_forward_and_back(opened: Open) -> None:
    page = opened.page
    first = [opened.drawn(name) for name in NAMES]
    page.click("#step")
    opened.at(0, 1)
    assert re.fullmatch(r"epoch 1, step 1 of 3: loss so far 0\.\d+", page.inner_text("#where"))
    second = [opened.drawn(name) for name in NAMES]
    assert second[0] != first[0] and second[2] != first[2]
    page.click("#step")
    opened.at(0, 2)
    page.click("#back-step")
    opened.at(0, 1)
    assert [opened.drawn(name) for name in NAMES] == second
    page.click("#epoch")
    opened.at(1)
    page.click("#epoch")
    opened.at(2)
    page.click("#back-epoch")
    opened.at(1)
    page.click("#reset")
    opened.at(0)
    assert [opened.drawn(name) for name in NAMES] == first
    assert page.is_disabled("#back-step") and page.is_disabled("#reset")


def test_what_is_chosen_is_trained(opened: Open) -> None:
    page, session = opened.page, opened.session
    chosen: dict[str, Any] = {}
    for name, value in {
        "data": "spiral",
        "samples": 80,
        "noise": 0.1,
        "share": 0.5,
        "seed": 3,
        "initializer": "HeNormal",
        "dropout": 0.1,
        "loss": "hinge",
        "optimizer": "SGD",
        "learning_rate": 0.2,
        "momentum": 0.5,
        "batch_size": 10,
        "regularizer": "L2",
        "strength": 0.01,
    }.items():
        chosen[name] = value
        field = page.locator(f"[name={name}]")
        if isinstance(value, str):
            field.select_option(value)
        else:
            field.fill(str(value))
            field.press("Enter")
    page.click("#add-layer")
    page.locator("#hidden-layers li >> nth=2 >> input").fill("5")
    page.locator("#hidden-layers li >> nth=2 >> select").select_option("relu")
    page.locator("#hidden-layers li >> nth=0 >> button").click()
    page.wait_for_function("() => document.querySelectorAll('#layers tbody tr').length === 3")
    page.click("#step")
    opened.at(0, 1)
    layers = [{"units": 4, "activation": "tanh"}, {"units": 5, "activation": "relu"}]
    assert session.settings == Settings.of({**chosen, "layers": layers})
    assert not page.locator("#error").is_visible()


@pytest.mark.slow
def test_losses_follow_the_data(opened: Open) -> None:
    page = opened.page
    losses = page.locator("[name=loss] option")
    for data, names in (
        ("plane", ["squared", "absolute", "huber"]),
        ("gaussians", ["crossentropy", "squared"]),
        ("xor", ["crossentropy", "squared", "hinge"]),
    ):
        page.select_option("[name=data]", data)
        page.wait_for_function(f"() => state.settings.data === '{data}'")
        assert losses.evaluate_all("all => all.map(one => one.value)") == names
    assert page.input_value("[name=loss]") == "squared"


@pytest.mark.parametrize("preset", mostly_slow(PRESETS, ["overshoot"]))
@pytest.mark.parametrize("language", mostly_slow(["en", "id"], ["id"]))
def test_presets_say_what_goes_wrong(opened: Open, preset: str, language: str) -> None:
    page, strings = opened.page, MESSAGES[language]
    page.select_option("#language", language)
    page.click(f"[data-preset={preset}]")
    page.wait_for_selector(f"[data-preset={preset}][aria-pressed=true]")
    assert page.inner_text("#sentence") == strings[f"sentence_{preset}"]
    assert opened.session.settings == PRESETS[preset]
    page.select_option("#speed", "fast")
    page.click("#run")
    if preset == "overshoot":
        page.wait_for_selector("#notice.bad")
        opened.until_running(False)
        told = page.inner_text("#notice")
        assert told.startswith("Overshoot") and ("1,3" if language == "id" else "1.3") in told
        assert page.is_disabled("#run") and not page.is_disabled("#back-epoch")
        page.click("#back-epoch")
        page.wait_for_selector("#notice", state="hidden")
    else:
        page.wait_for_function("() => Number(document.body.dataset.epoch) > 150")
        page.click("#run")
        opened.until_running(False)
        last = page.evaluate("state.frame.last")
        norms = page.evaluate("state.frame.layers.map(layer => layer.gradient)")
        if preset == "vanishing":
            assert norms[0] < 1e-3 * norms[-1] and last["loss"] > 0.6
        else:
            assert last["loss"] < 0.1 and last["val_loss"] > 1
    # Another choice is no preset any more.
    page.fill("[name=seed]", "7")
    page.press("[name=seed]", "Enter")
    page.wait_for_function("() => state.settings.seed === 7")
    assert page.inner_text("#sentence") == ""


@pytest.mark.slow
def test_the_copied_code_gives_the_same_curve(opened: Open) -> None:
    page = opened.page
    page.fill("[name=dropout]", "0.2")
    page.press("[name=dropout]", "Enter")
    page.wait_for_function("() => state.settings.dropout === 0.2")
    page.click("#run")
    page.wait_for_function("() => Number(document.body.dataset.epoch) > 3")
    page.click("#run")
    opened.until_running(False)
    page.click("#show-code")
    page.click("#copy")
    page.wait_for_function("() => document.getElementById('copied').textContent === 'copied'")
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == page.inner_text("#code pre")
    page.keyboard.press("Escape")
    names: dict[str, Any] = {}
    exec(compile(code, "copied.py", "exec"), names)
    session = opened.session
    assert names["history"].history["loss"] == [logs["loss"] for logs in session.epochs]
    assert names["history"].history["val_loss"] == [logs["val_loss"] for logs in session.epochs]
    drawn = page.evaluate("state.curves.loss")
    assert drawn == [float(f"{loss:.4g}") for loss in names["history"].history["loss"]]


@pytest.mark.slow
def test_a_learning_rate_changes_midway(opened: Open) -> None:
    page, session = opened.page, opened.session

    def with_rate(rate: str) -> None:
        page.fill("[name=learning_rate]", rate)
        page.press("[name=learning_rate]", "Enter")
        page.wait_for_function(f"() => state.settings.learning_rate === {rate}")

    page.click("#epoch")
    opened.at(1)
    page.click("#step")
    opened.at(1, 1)
    with_rate("0.2")
    opened.at(1, 1)  # nothing begins anew
    page.click("#epoch")
    opened.at(2)
    before = opened.drawn("curves")
    with_rate("0.003")
    page.click("#epoch")
    opened.at(3)
    assert opened.drawn("curves") != before
    assert "0.01 (1), 0.2 (2), 0.003 (3)" in page.get_attribute("#curves", "aria-label")
    curve, saved, epochs = page.evaluate("state.curves.loss"), session.saved(), session.epochs
    page.click("#show-code")
    page.wait_for_selector("#code pre:has-text('Rates')")
    names: dict[str, Any] = {}
    exec(compile(page.inner_text("#code pre"), "copied.py", "exec"), names)
    assert names["history"].history["loss"] == [logs["loss"] for logs in epochs]
    assert curve == [float(f"{loss:.4g}") for loss in names["history"].history["loss"]]
    page.keyboard.press("Escape")
    # Back, the rate is the one that was; and forward from there with the same changes the same.
    for place, rate in (((2, 0), "0.003"), ((1, 0), "0.01")):
        page.click("#back-epoch")
        opened.at(*place)
        assert page.input_value("[name=learning_rate]") == rate
    page.click("#step")
    opened.at(1, 1)
    with_rate("0.2")
    page.click("#epoch")
    opened.at(2)
    with_rate("0.003")
    page.click("#epoch")
    opened.at(3)
    assert session.saved() == saved and page.evaluate("state.curves.loss") == curve
    # While it trains, it goes on training.
    page.click("#run")
    opened.until_running(True)
    with_rate("0.5")
    opened.until_running(True)
    epoch = int(page.get_attribute("body", "data-epoch") or 0)
    page.wait_for_function(f"() => Number(document.body.dataset.epoch) > {epoch}")
    assert page.evaluate("state.curves.loss.slice(0, 3)") == curve
    page.click("#run")
    opened.until_running(False)
    # Another choice begins anew, a preset too.
    page.fill("[name=seed]", "3")
    page.press("[name=seed]", "Enter")
    opened.at(0)
    page.click("#epoch")
    opened.at(1)
    page.click("[data-preset=overshoot]")
    opened.at(0)
    with_rate("0.3")
    page.click("#epoch")
    opened.at(1)
    page.click("[data-preset=overshoot]")
    opened.at(0)
    assert session.settings == PRESETS["overshoot"]


@pytest.mark.slow
def test_the_model_is_saved(opened: Open, tmp_path: Path) -> None:
    opened.page.click("#epoch")
    opened.at(1)
    with opened.page.expect_download() as download:
        opened.page.click("#save")
    assert download.value.suggested_filename == "model.safetensors"
    download.value.save_as(tmp_path / "model.safetensors")
    loaded, session = md.load_model(tmp_path / "model.safetensors"), opened.session
    assert (
        loaded.predict(session.samples.x).tolist()
        == session.model.predict(session.samples.x).tolist()
    )


@pytest.mark.slow
def test_both_languages(chromium: Any, server: Server) -> None:
    opened = Open(chromium, server, locale="id-ID")
    page = opened.page
    assert page.get_attribute("html", "lang") == "id" and page.inner_text("#run") == "Latih"
    page.click("#epoch")
    opened.at(1)
    assert page.inner_text("#loss").startswith("0,")
    for language in ("en", "id"):
        page.select_option("#language", language)
        assert page.get_attribute("html", "lang") == language
        texts = "all => all.map(one => [one.dataset.t, one.textContent])"
        shown = page.eval_on_selector_all("[data-t]", texts)
        assert shown == [[name, MESSAGES[language][name]] for name, _ in shown] != []
    page.reload()
    page.wait_for_selector("body[data-running]")
    assert page.get_attribute("html", "lang") == "id"  # what was chosen stays
    opened.close()
    opened = Open(chromium, server, locale="fr-FR")
    assert opened.page.inner_text("#run") == "Train"
    opened.close()


def test_the_keyboard(opened: Open) -> None:
    page = opened.page
    for key, place in (
        ("ArrowRight", (0, 1)),
        ("Shift+ArrowRight", (1, 0)),
        ("ArrowRight", (1, 1)),
        ("ArrowLeft", (1, 0)),
        ("Shift+ArrowLeft", (0, 0)),
        ("ArrowRight", (0, 1)),
        ("r", (0, 0)),
    ):
        page.keyboard.press(key)
        opened.at(*place)
    page.keyboard.press("Space")
    opened.until_running(True)
    page.wait_for_function("() => Number(document.body.dataset.epoch) > 0")
    page.keyboard.press("Space")
    opened.until_running(False)
    page.focus("[name=samples]")  # where keys mean what they always mean
    page.keyboard.press("r")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("body", "data-epoch") != "0"
    # Everything is reached by the tabulator, and says what it is.
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
    assert {
        "language",
        "run",
        "step",
        "data",
        "learning_rate",
        "log",
        "show-code",
        "save",
    } <= reached
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, a, canvas[role]")].filter((one) =>
             !(one.textContent.trim() && one.tagName !== "SELECT")
             && !one.getAttribute("aria-label")
             && !(one.labels && one.labels.length)).map((one) => one.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("language", mostly_slow(["en", "id"], ["id"]))
def test_a_phone(chromium: Any, server: Server, language: str) -> None:
    opened = Open(chromium, server, viewport=PHONE, has_touch=True, locale=language)
    page = opened.page
    page.tap("[data-preset=vanishing]")
    page.wait_for_selector("[data-preset=vanishing][aria-pressed=true]")
    page.tap("#step")
    opened.at(0, 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for name in NAMES:
        box = page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0 and 300 < box["width"] <= PHONE["width"]
    small = page.evaluate(
        """[...document.querySelectorAll("button")].filter((one) => one.offsetParent
             && one.getBoundingClientRect().height < 38).map((one) => one.textContent)"""
    )
    assert small == []
    assert page.locator("#controls").bounding_box()["height"] < 130
    opened.close()


def test_a_csv_file(opened: Open, tmp_path: Path) -> None:
    page = opened.page
    path, bad, noise = tmp_path / "colours.csv", tmp_path / "page.csv", tmp_path / "noise.csv"
    path.write_text(CSV, encoding="utf-8")
    bad.write_text("<html>", encoding="utf-8")
    noise.write_bytes(bytes(range(256)))
    page.select_option("[name=data]", "csv")
    for wrong, told in ((bad, "three columns"), (noise, "no text")):
        page.set_input_files("#csv-file", wrong)
        page.wait_for_selector(f"#error:has-text('{told}')")
        assert page.get_attribute("#csv-file", "aria-invalid") == "true"
    opened.complaints[:] = [
        c for c in opened.complaints if "400" not in c
    ]  # Chromium tells it, too
    page.set_input_files("#csv-file", path)
    page.wait_for_selector("#legend:has-text('class red')")
    assert not page.locator("#error").is_visible() and page.locator("#csv-name").inner_text()
    assert not page.locator("[name=samples]").is_visible()
    page.select_option("[name=data]", "xor")
    page.wait_for_selector("#legend:has-text('class 1')")
    page.select_option("[name=data]", "csv")  # it is still known
    page.wait_for_selector("#legend:has-text('class red')")
    page.fill("#csv-path", str(path))
    page.click("#csv-read")
    page.wait_for_selector(f"#csv-name:has-text('{path}')")


@pytest.mark.slow
def test_a_decimal_comma_is_one(opened: Open) -> None:
    page = opened.page
    page.click("[name=learning_rate]")
    for keys in (page.keyboard.type, page.keyboard.insert_text):  # typed, pasted
        page.keyboard.press("Control+a")
        keys("0,05")
        assert page.input_value("[name=learning_rate]") == "0.05"
        page.keyboard.press("Control+a")
        page.keyboard.type("7")
    page.keyboard.press("Backspace")
    page.keyboard.type("0,25")
    page.keyboard.press("Enter")
    page.wait_for_function("() => state.settings.learning_rate === 0.25")


@pytest.mark.slow
def test_a_bad_value_is_told_at_its_field(opened: Open) -> None:
    page = opened.page
    for field, value in (("samples", "5"), ("learning_rate", "-1"), ("batch_size", "")):
        kept = page.input_value(f"[name={field}]")
        page.fill(f"[name={field}]", value)
        page.press(f"[name={field}]", "Enter")
        page.wait_for_selector(f"[name={field}][aria-invalid=true]")
        assert MESSAGES["en"][field] in page.inner_text("#error")
        page.fill(f"[name={field}]", kept)
        page.press(f"[name={field}]", "Enter")
        page.wait_for_selector("#error", state="hidden")
    page.locator("#hidden-layers input >> nth=1").fill("65")
    page.locator("#hidden-layers input >> nth=1").press("Enter")
    page.wait_for_selector("#hidden-layers [aria-invalid=true]")
    assert "Units of layer 2: a whole number from 1 to 64" in page.inner_text("#error")
    opened.complaints[:] = [c for c in opened.complaints if "400" not in c]


@pytest.mark.slow
def test_errors_are_told_in_the_pages_language(opened: Open, tmp_path: Path) -> None:
    page, path = opened.page, tmp_path / "page.csv"
    page.select_option("#language", "id")
    page.fill("[name=samples]", "5")
    page.press("[name=samples]", "Enter")
    page.wait_for_selector("#error:has-text('Banyaknya')")
    told = {
        "id": "Banyaknya: harus bilangan bulat dari 20 sampai 2.000; bukan 5",
        "en": "Number: a whole number from 20 to 2,000 is expected; got 5",
    }
    assert page.inner_text("#error") == told["id"]
    for language in ("en", "id"):
        page.select_option("#language", language)
        assert page.inner_text("#error") == told[language]
    page.reload()
    page.wait_for_selector("body[data-running]")
    page.select_option("[name=data]", "csv")
    for content, expected in (
        (b"<html>", "CSV: berkas CSV harus punya tiga kolom"),
        (bytes(range(256)), "CSV: ini bukan teks UTF-8"),
        (b"1,2,x\n" * 400_000, "CSV: berkas atau permintaan paling besar 2.097.152 byte"),
    ):
        path.write_bytes(content)
        with page.expect_file_chooser() as chooser:
            page.click("#csv-file")
        chooser.value.set_files(path)  # the same name each time
        page.wait_for_selector(f"#error:has-text('{expected}')")
    page.fill("#csv-path", "/no/such/file.csv")
    page.click("#csv-read")
    page.wait_for_selector("#error:has-text('tidak dapat dibaca (No such file or directory)')")
    opened.complaints[:] = [c for c in opened.complaints if "400" not in c]


@pytest.mark.slow
def test_two_pages_see_one_training(opened: Open, chromium: Any, server: Server) -> None:
    other = Open(chromium, server)
    opened.page.fill("[name=samples]", "100")
    opened.page.press("[name=samples]", "Enter")
    opened.page.click("#epoch")
    other.at(1)
    assert other.page.input_value("[name=samples]") == "100"
    other.page.click("#run")
    opened.until_running(True)
    other.close()  # ends nothing
    opened.page.click("#run")
    opened.until_running(False)


@pytest.mark.slow
def test_a_page_whose_server_has_ended_says_so(chromium: Any) -> None:
    with Child("-m", "mundur.playground", "--no-browser", "--port", "0") as child:
        opened = Open(chromium, child.line().split()[-1])
        opened.page.click("#run")
        opened.until_running(True)
        child.interrupt()
        assert child.wait(30) == 0
    opened.page.wait_for_selector("#notice:has-text('does not answer')")
    assert opened.page.inner_text("#run") == "Train"
    opened.complaints.clear()  # a refused connection is told there, too
    opened.close()


@pytest.mark.slow
def test_a_page_whose_server_was_replaced_says_so(chromium: Any) -> None:
    command = ("-m", "mundur.playground", "--no-browser", "--port")
    with Child(*command, "0") as first:
        opened = Open(chromium, first.line().split()[-1])
        first.interrupt()
        assert first.wait(30) == 0
    with Child(*command, str(urlsplit(opened.address).port)) as second:
        assert opened.address != second.line().split()[-1]
        for language, told in (("id", "yang lain sudah dimulai"), ("en", "another has begun")):
            opened.page.select_option("#language", language)
            opened.page.wait_for_selector(f"#notice:has-text('{told}')")
        opened.page.click("#epoch")
        opened.page.wait_for_timeout(200)
        assert opened.page.is_visible("#notice:has-text('another has begun')")
        second.interrupt()
    opened.complaints.clear()  # what was refused is told there, too
    opened.close()


@pytest.mark.slow
def test_without_the_token_there_is_no_page(chromium: Any, server: Server) -> None:
    page = chromium.new_page()
    answer = page.goto(server.address.rsplit("/", 2)[0] + "/")
    assert answer.status == 403 and server.token not in page.content()
    page.close()
