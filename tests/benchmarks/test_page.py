"""The page on performance shows every row that is measured."""

from __future__ import annotations

from tests.benchmarks.measure import Row, measure
from tests.benchmarks.rows import NAMES
from tests.benchmarks.table import BEGIN, END, PAGE, markdown, put


def test_the_page_shows_every_row_once_and_in_order() -> None:
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    shown = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    assert shown[2:] == list(NAMES)


def test_a_row_without_a_peer_has_no_ratio_to_it(tmp_path) -> None:
    calls: list[str] = []
    row = Row("idle", lambda: calls.append("ours"), lambda: calls.append("floor"))
    result = measure(row, 3)
    assert calls == ["ours", "floor"] * 5
    page = tmp_path / "page.md"
    page.write_text(f"before {BEGIN} old {END} after")
    put(markdown([result]), page)
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after")
    line = next(line for line in text.splitlines() if line.startswith("| idle"))
    assert [cell.strip() for cell in line.split("|")[4:7:2]] == ["–", "–"]
