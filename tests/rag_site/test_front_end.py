"""Templates and style sheets keep what the pages promise: a strict CSP, icons, contrast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
TOKENS = ROOT / "static" / "css" / "pagewise.css"

NORMAL_TEXT = 4.5
CONTROL = 3.0


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_compiles_and_holds_no_inline_code(path: Path) -> None:
    source = path.read_text()
    get_template(str(path.relative_to(ROOT / "templates")))
    assert not re.search(r"<style|\sstyle=|\son[a-z]+\s*=|javascript:|hx-on", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", source)


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_evaluates_nothing(path: Path) -> None:
    assert not re.search(r"\beval\(|new Function\(|setAttribute\(\"style\"", path.read_text())


def test_every_icon_that_is_asked_for_is_there() -> None:
    symbols = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))
    asked = {
        name for path in TEMPLATES for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())
    }
    assert asked
    assert asked <= symbols


# --- Contrast, as WCAG 2.2 (1.4.3 and 1.4.11) reckons it ------------------------------------------


def colours() -> dict[str, tuple[str, str]]:
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS.read_text())
    return {name: (light, dark) for name, light, dark in pairs}


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


GROUNDS = ("paper", "surface", "sunken")
PAIRS = [
    *((ink, ground, NORMAL_TEXT) for ink in ("ink", "ink-2", "ink-3") for ground in GROUNDS),
    *(("accent", ground, NORMAL_TEXT) for ground in (*GROUNDS, "accent-soft")),
    *(("on-accent", ground, NORMAL_TEXT) for ground in ("accent", "accent-hover")),
    ("on-danger", "danger", NORMAL_TEXT),
    *((sign, f"{sign}-soft", NORMAL_TEXT) for sign in ("ok", "warn", "danger", "info")),
    *((sign, "surface", NORMAL_TEXT) for sign in ("ok", "warn", "danger", "info")),
    *((f"kind-{kind}", "surface", NORMAL_TEXT) for kind in ("text", "table", "image")),
    *(("line-strong", ground, CONTROL) for ground in ("paper", "surface")),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_text_and_controls_stand_out(front: str, ground: str, least: float, theme: int) -> None:
    assert contrast(colours()[front][theme], colours()[ground][theme]) >= least
