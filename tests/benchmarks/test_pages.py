"""What the benchmarks write into the documentation: tables, charts, and between which marks."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import structs

from benchmarks import pages, polling, table
from benchmarks.charts import Chart, linear, logarithmic, number_of
from benchmarks.result import Result, keep, kept
from benchmarks.works import Options

SVG = "{http://www.w3.org/2000/svg}"


def result(**parts: object) -> Result:
    machine = dict.fromkeys(("processor", "cores", "system", "python", "node", "file_system"), "x")
    return structs.replace(Result("2026-01-02T03:04:05+00:00", "1.2.3", machine, Options()), **parts)


def dots(svg: str) -> list[tuple[float, float]]:
    return [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in ET.fromstring(svg).iter(f"{SVG}circle")
    ]


def test_a_point_stands_where_its_numbers_say() -> None:
    (x0, y0), (x1, y1), (x2, y2) = dots(Chart("t", "a", "u").draw({"one": [(0, 0), (50, 100), (100, 200)]}))
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx(y1 - y2)
    assert x0 < x2
    assert y0 > y2


def test_powers_of_ten_stand_equally_far_apart() -> None:
    spots = dots(
        Chart("t", "a", "u", across_log=True, up_log=True).draw({"one": [(10, 1), (100, 10), (1000, 100)]})
    )
    (x0, y0), (x1, y1), (x2, y2) = spots
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)


def test_every_text_and_mark_is_inside_the_picture() -> None:
    lines = {
        f"line <{number}> & more": [(10.0, number * 0.01), (5000.0, number * 1e6)] for number in range(4)
    }
    root = ET.fromstring(Chart("Title & more", "across", "up").draw(lines))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = list(root.iter(f"{SVG}text"))
    assert {text.text for text in texts} >= {"Title & more", "line <0> & more", "0", "5,000", "3M"}
    for text in texts:
        assert 0 <= float(text.attrib["x"]) <= width
        assert 10 <= float(text.attrib["y"]) <= height


def test_names_of_lines_that_end_at_the_same_place_do_not_overlap() -> None:
    root = ET.fromstring(Chart("t", "a", "u").draw({name: [(0, 0), (1, 1)] for name in "abcd"}))
    places = sorted(float(text.attrib["y"]) for text in root.iter(f"{SVG}text") if text.text in set("abcd"))
    assert all(after - before >= 15 for before, after in pairwise(places))


def test_axes_end_at_round_numbers() -> None:
    assert list(linear(860).marks) == [0, 200, 400, 600, 800, 1000]
    assert list(linear(0.0031).marks) == pytest.approx([0, 0.001, 0.002, 0.003, 0.004])
    assert list(logarithmic(10, 5000).marks) == [10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
    assert list(logarithmic(10_000, 10_000_000).marks) == [1e4, 1e5, 1e6, 1e7]
    assert [number_of(value) for value in (0, 0.25, 12.5, 5000, 200_000, 1.5e6)] == [
        "0", "0.25", "12.5", "5,000", "200k", "1.5M"
    ]  # fmt: skip


def test_the_best_straight_line_has_the_slope_of_its_points() -> None:
    assert pages.slope([(0, 1), (10, 21), (20, 41)]) == pytest.approx(2)
    assert pages.slope([(5, 1)]) == 0


def test_the_page_has_a_place_for_all_that_is_written() -> None:
    page = pages.PAGE.read_text("utf-8")
    for name in ("figures", "polling", *pages.CURVES):
        assert "new line" in pages.replaced(page, name, ["new line"])
    assert pages.CURVES.keys() == pages.SLOPES.keys()
    with pytest.raises(ValueError, match="marks"):
        pages.replaced(page, "nothing", [])


def test_what_is_measured_stands_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(pages.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(pages, "PAGE", page)
    monkeypatch.setattr(pages, "CHARTS", tmp_path / "curves")
    found = result(figures={"200.ws": 7.25}, curves={"memory": {"growth": [(1000.0, 16.0), (2000.0, 32.0)]}})
    assert pages.write(found) == [page, tmp_path / "curves" / "memory.svg"]
    text = page.read_text("utf-8")
    assert "| 7.25 × Node ws | 3.5 × Node ws | 5 × Node ws | aim reached |" in text
    assert "takes 16.4 KiB" in text
    assert "with Chatbox 1.2.3" in text


def test_a_row_is_judged_by_the_better_way() -> None:
    rows = {row.key: row for row in table.ROWS}
    assert [rows["200.ws"].verdict(value) for value in (3.4, 3.5, 5)] == [
        "MISSED",
        "at least reached",
        "aim reached",
    ]
    assert [rows["idle"].verdict(value) for value in (25, 24, 16)] == [
        "MISSED",
        "at least reached",
        "aim reached",
    ]
    assert [row.key for row in table.missed({"200.ws": 3.4, "idle": 20})] == ["200.ws"]


def test_who_could_not_keep_up_has_a_row_without_figures() -> None:
    known = {f"polling.1.chatbox.{what}": 1.0 for what in ("bytes", "p50_ms", "p99_ms", "cpu_percent")}
    lines = polling.lines(known)
    assert lines[2] == "| 1 | WebSocket | 1 | 1 | 1 | 1 % |"
    assert all("could not keep up" in line for line in lines[3:])
    assert polling.lines({}) == []


def test_kept_parts_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.result.HERE", tmp_path)
    (tmp_path / "results").mkdir()
    early = keep(result(figures={"200.ws": 1.0, "50.ws": 2.0}, took={"fan-out": 3.0}))
    late = keep(result(date="2026-02-03T00:00:00+00:00", figures={"200.ws": 4.0}, failures=["tls: no"]))
    whole = kept([early, late])
    assert whole.figures == {"200.ws": 4.0, "50.ws": 2.0}
    assert (whole.took, whole.failures, whole.date[:10]) == ({"fan-out": 3.0}, ["tls: no"], "2026-02-03")
