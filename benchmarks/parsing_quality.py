"""Measure what parsing finds beside pymupdf4llm: tables, cells, checkable facts, page text.

    python -m benchmarks.parsing_quality --data DIR [--pages N] [--only PART ...]

DIR holds `icdar2013_tables/`, `olmocr_bench_sample/` and `ohrbench_overlap/`, whose documents
lie in `mmlongbench/pdfs` and `financebench/pdfs`. The last line printed is JSON: for tables F1
at an overlap of 0.5 and F1 of cell texts, for facts the share that holds, for page text the
similarity from 0 to 1; each once more for the peer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import parsed_text
from benchmarks.parsed_text import FoundTable, ParsedPage
from benchmarks.parsing_measures import Counts, holds, matches, shared_cells, similarity

Parser = Callable[[Path, Sequence[int]], dict[int, ParsedPage]]
PARSERS: dict[str, Parser] = {"": parsed_text.ours, "peer_": parsed_text.peer}


def main() -> None:
    arguments = _arguments()
    report: dict[str, float] = {}
    for prefix, parse in PARSERS.items():
        print(f"--- {'pymupdf4llm' if prefix else 'pagewise'}")
        for part, measure in PARTS.items():
            if not arguments.only or part in arguments.only:
                found = measure(arguments.data, parse, arguments.pages)
                report.update({prefix + name: round(value, 4) for name, value in found.items()})
    print(json.dumps(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=12, help="pages of each long document")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), help="measure these parts")
    return parser.parse_args()


# --- tables ----------------------------------------------------------------------------------


def tables(data: Path, parse: Parser, pages: int) -> dict[str, float]:
    """Compare table regions and cells with the ICDAR 2013 competition's."""
    regions, cells = Counts(), Counts()
    for path in sorted((data / "icdar2013_tables").glob("*/*.pdf")):
        truth = _icdar_tables(path)
        parsed = parse(path, sorted(truth))
        missed = Counts()
        for number, there in truth.items():
            page = parsed[number]
            flipped = [_flipped(table, page.height) for table in there]
            pairs = matches([table.box for table in page.tables], [t.box for t in flipped])
            missed.add(len(pairs), len(page.tables), len(there))
            _count_cells(cells, page.tables, there, pairs)
        if missed.hits < max(missed.found, missed.there):
            print(f"{path.name}: {missed.hits} tables of {missed.there}, {missed.found} found")
        regions.add(missed.hits, missed.found, missed.there)
    for name, counts in (("regions", regions), ("cells", cells)):
        print(f"{name}: precision {counts.precision:.3f}, recall {counts.recall:.3f}")
    return {"table_region_f1": regions.f1, "table_cell_f1": cells.f1}


def _count_cells(
    counts: Counts,
    found: Sequence[FoundTable],
    there: Sequence[FoundTable],
    pairs: list[tuple[int, int]],
) -> None:
    """Count cells table by table; those of tables without a counterpart are all wrong."""
    partner = {j: i for i, j in pairs}
    for index, table in enumerate(there):
        grid = found[partner[index]].grid if index in partner else ()
        counts.add(*shared_cells(_texts(grid), _texts(table.grid)))
    for index in set(range(len(found))) - set(partner.values()):
        counts.add(*shared_cells(_texts(found[index].grid), ()))


def _texts(grid: parsed_text.Grid) -> list[str]:
    return [text for row in grid for text in row]


def _icdar_tables(path: Path) -> dict[int, list[FoundTable]]:
    """Read the true tables by page; boxes count from the lower left, as the files have them."""
    pages: dict[int, list[FoundTable]] = defaultdict(list)
    structure = ElementTree.parse(path.with_name(f"{path.stem}-str.xml"))
    contents: dict[tuple[str, str], list[str]] = {}
    for table in structure.iter("table"):
        for region in table.iter("region"):
            said = [cell.findtext("content") or "" for cell in region.iter("cell")]
            contents[table.get("id", ""), region.get("id", "")] = said
    for table in ElementTree.parse(path.with_name(f"{path.stem}-reg.xml")).iter("table"):
        for region in table.iter("region"):
            box = region.find("bounding-box")
            assert box is not None
            x0, y0, x1, y1 = (float(box.get(side, "0")) for side in ("x1", "y1", "x2", "y2"))
            said = contents.get((table.get("id", ""), region.get("id", "")), [])
            place = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
            pages[int(region.get("page", "1"))].append(FoundTable(place, (tuple(said),)))
    return pages


def _flipped(table: FoundTable, height: float) -> FoundTable:
    x0, y0, x1, y1 = table.box
    return FoundTable((x0, height - y1, x1, height - y0), table.grid)


# --- facts and text --------------------------------------------------------------------------


def facts(data: Path, parse: Parser, pages: int) -> dict[str, float]:
    """Check the facts of the olmOCR-bench sample."""
    folder = data / "olmocr_bench_sample"
    by_page: dict[tuple[str, int], list[dict]] = defaultdict(list)
    for line in (folder / "dataset.jsonl").read_text().splitlines():
        fact = json.loads(line)
        by_page[fact["pdf"], int(fact["page"])].append(fact)
    passed, asked = Counter[str](), Counter[str]()
    for (name, number), asserted in by_page.items():
        page = parse(folder / "pdfs" / name, [number])[number]
        for fact in asserted:
            asked[fact["type"]] += 1
            true = holds(fact, page.text, [(table.grid, table.spread) for table in page.tables])
            passed[fact["type"]] += true
            if not true:
                print(f"does not hold: {fact['id']} ({fact['type']})")
    print("facts:", ", ".join(f"{kind} {passed[kind]}/{asked[kind]}" for kind in asked))
    return {"olmocr_pass": passed.total() / max(1, asked.total())}


def page_text(data: Path, parse: Parser, pages: int) -> dict[str, float]:
    """Compare page text with that which people have verified."""
    scores: list[float] = []
    for path, truth in _verified(data):
        numbers = _spread([n for n, text in truth.items() if text.strip()], pages)
        parsed = parse(path, numbers)
        own = [similarity(parsed[number].text, truth[number]) for number in numbers]
        print(f"{path.stem}: {mean(own):.3f} over {len(own)} pages")
        scores += own
    return {"ohr_similarity": mean(scores)} if scores else {}


def _verified(data: Path) -> Iterator[tuple[Path, dict[int, str]]]:
    for file in sorted((data / "ohrbench_overlap" / "page_gt").glob("*.json")):
        truth = {int(page["page_idx"]) + 1: page["text"] for page in json.loads(file.read_text())}
        for folder in ("mmlongbench", "financebench"):
            path = data / folder / "pdfs" / f"{file.stem}.pdf"
            if path.exists():
                yield path, truth
                break


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """Pick so many numbers, evenly spread."""
    step = max(1.0, len(numbers) / most)
    return [numbers[int(i * step)] for i in range(min(most, len(numbers)))]


PARTS = {"tables": tables, "facts": facts, "text": page_text}

if __name__ == "__main__":
    main()
