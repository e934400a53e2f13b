"""The page and the card: whole, escaped, offline."""

from __future__ import annotations

import html.parser
import itertools
import re

import pytest
import yaml
from PIL import Image
from tests.conftest import draw
from tests.receipt.evidence import class_labels, evidence, multilabel_evidence, regression_evidence

from headstart.receipt.assemble import prove
from headstart.receipt.card import card
from headstart.receipt.document import Mistake
from headstart.receipt.figures import Axis, Series, chart, nice_ticks
from headstart.receipt.page import confusion_cells, render
from headstart.receipt.words import plain

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Balanced(html.parser.HTMLParser):
    """Fails on an element that is closed wrongly; collects names and addresses."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing that is open"


def parsed(page: str) -> Balanced:
    reader = Balanced()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader


def test_a_ranking_is_an_ordered_list_and_titles_may_have_commas() -> None:
    receipt = prove(evidence()).receipt
    ranking = Mistake(id="u7", path="", truth="Emma", answer=["Eat, Pray, Love", "Dune"], confidence=None)
    labels = Mistake(id="p1", path="", truth=["Emma"], answer=["Eat, Pray, Love", "Dune"], confidence=None)
    told = receipt.model_copy(update={"mistakes": [ranking, labels]})
    page = " ".join(render(told, exhibits={}, looked=[]).split())
    parsed(page)
    assert "<ol> <li>Eat, Pray, Love</li> <li>Dune</li> </ol>" in page
    assert "<strong>Eat, Pray, Love; Dune</strong>" in page


@pytest.mark.parametrize("make", [evidence, regression_evidence, multilabel_evidence])
def test_pages_are_well_formed_and_need_nothing_else(make: type) -> None:
    receipt = prove(make()).receipt
    pictures = {mistake.id: draw("circle", place, (640, 480)) for place, mistake in enumerate(receipt.mistakes)}
    page = render(receipt, exhibits=pictures, looked=[("a rose", draw("square", 1))])
    assert "Warm parts spoke for the answer" in page
    listed = render(receipt, exhibits={}, looked=[("user 7", "1. Dune.")])
    assert "1. Dune." in listed and "Warm parts" not in listed
    reader = parsed(page)
    assert len(page.encode()) < 500_000
    assert reader.names.count("img") == len(pictures) + 1
    assert all(address.startswith("data:image/jpeg;base64,") for address in reader.addresses)
    assert "script" not in reader.names and "url(" not in page and "@import" not in page
    assert receipt.verdict.sentence.partition(": ")[2] in page
    assert receipt.fingerprints.target in page


def test_text_from_outside_stays_text() -> None:
    labels = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'] * 400
    given = evidence(labels=labels, run="<b>run</b>", warnings=("<i>careful</i>",))
    receipt = prove(given).receipt
    reader = parsed(render(receipt, exhibits={}, looked=[("<svg onload=alert(1)>", Image.new("RGB", (8, 8)))]))
    assert not {"script", "b", "i"} & set(reader.names)
    assert reader.names.count("img") == 1
    text = card(receipt, "")
    assert re.search(r"(?<!\\)<(script|img|b|i)", text.partition("\n---\n")[2]) is None


def test_ticks_of_values_close_together_are_told_apart() -> None:
    points = [(0.0, -1.6512), (1.0, -1.6508)]
    figure = str(chart("A", "", [Series("a", "adapted", points)], Axis("x", plain), Axis("y", plain)))
    told = re.findall(r'text-anchor="end"[^>]*>([^<]+)<', figure)
    assert len(told) > 2 and len(set(told)) == len(told)


def test_large_confusions_become_a_list() -> None:
    few = prove(evidence(adapted=0.8)).receipt
    many = prove(evidence(2400, adapted=0.8, labels=class_labels(2400, [f"kind {k}" for k in range(40)]))).receipt
    cells = confusion_cells(few)
    assert cells is not None and few.confusion is not None
    assert [[cell.count for cell in row] for row in cells] == few.confusion.counts
    assert confusion_cells(many) is None
    assert "most frequent of the confusions among 40 classes" in render(many, exhibits={}, looked=[])


def test_a_perfect_model_has_a_page_too() -> None:
    receipt = prove(evidence(80, adapted=1.0, scratch=None, probe=None, budgets=())).receipt
    page = render(receipt, exhibits={}, looked=[])
    parsed(page)
    assert receipt.mistakes == [] and "Most confident mistakes" not in page


def test_ticks_are_round_and_inside() -> None:
    for low, high in ((0.0, 1.0), (0.23, 0.98), (-3.1, 47.0), (0.0, 1e-4)):
        ticks = nice_ticks(low, high)
        assert 3 <= len(ticks) <= 6 and low <= ticks[0] and ticks[-1] <= high
        steps = {round(b - a, 9) for a, b in itertools.pairwise(ticks)}
        assert len(steps) == 1


def test_the_card_is_what_the_hub_reads() -> None:
    receipt = prove(evidence()).receipt
    _, matter, body = card(receipt, 'timm.create_model("hf-hub:…")').split("---\n", 2)
    document = yaml.safe_load(matter)
    assert document["license"] == "apache-2.0" and document["pipeline_tag"] == "image-classification"
    assert document["base_model"] == "made-up/net"
    result = document["model-index"][0]["results"][0]
    value = receipt.adapted.metrics["accuracy"].value
    assert result["metrics"][0] == {"type": "accuracy", "name": "Accuracy", "value": value}
    assert 'headstart.load(".")' in body and 'timm.create_model("hf-hub:…")' in body
    assert receipt.verdict.sentence in body
    assert "95.0 % (91.5 to 97.5)" in body
