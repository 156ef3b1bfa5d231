"""An evaluation as one HTML file that needs nothing else: figures, calibration, and the worst questions and why."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from annals.evaluation import Outcome, bins

WORST = 50

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;"
    "vertical-align:top}.bar{background:#4a7fb5;height:.8rem}.sure{border-right:2px solid #c33;height:.8rem}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}td,th{border-color:#444}}"
)


def report(figures: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    worst = sorted((one for one in outcomes if one.why), key=_badness)[:WORST]
    shown = {name: value for name, value in figures.items() if name != "comparison"}
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Evaluation of Annals</title>'
        f"<style>{_STYLE}</style><h1>Evaluation</h1>"
        + _table(("figure", "value"), ((name, _number(value)) for name, value in shown.items()))
        + _comparison(figures.get("comparison"))
        + _calibration(outcomes)
        + f"<h2>Worst questions</h2><p>{len(worst)} of {sum(bool(one.why) for one in outcomes)} with a fault.</p>"
        + _table(
            ("question", "accepted", "answer", "confidence", "F1", "recall@5", "why"),
            (
                (
                    one.question,
                    "; ".join(one.accepted) if one.accepted else "",
                    one.answer if one.answer is not None else "(declined)",
                    _number(one.confidence),
                    _number(one.f1),
                    _number(one.recall_5),
                    one.why,
                )
                for one in worst
            ),
        )
        + "</html>\n"
    )


def _badness(one: Outcome) -> tuple[float, float, float, str]:
    """What is wrong and sure comes first."""
    sure = one.confidence if one.answer is not None else 0.0
    return (one.f1 or 0.0, -sure, one.recall_5 if one.recall_5 is not None else 0.0, one.id)


def _comparison(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    rows = (
        (name, *(_number(value[key]) for key in ("difference", "low", "high", "p")))
        for name, value in found.items()
        if isinstance(value, Mapping)
    )
    return f"<h2>Against the earlier evaluation</h2><p>Over {found['questions']} questions.</p>" + _table(
        ("figure", "difference", "low (95 %)", "high (95 %)", "p"), rows
    )


def _calibration(outcomes: Sequence[Outcome]) -> str:
    found = bins(outcomes)
    if not found:
        return ""
    rows = "".join(
        f"<tr><td>{one.low:.1f} to {one.high:.1f}<td>{one.answers}<td>{one.confidence:.2f}<td>{one.right:.2f}"
        f'<td style="width:20rem"><div class="bar" style="width:{100 * one.right:.0f}%"></div>'
        f'<div class="sure" style="width:{100 * one.confidence:.0f}%"></div>'
        for one in found
    )
    return (
        "<h2>Calibration</h2><p>The bar is the share of right answers, the line how sure they were.</p>"
        f"<table><tr><th>confidence<th>answers<th>mean<th>right<th>{rows}</table>"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Every cell is escaped: texts are of documents."""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return "<table><tr>" + "".join(f"<th>{escape(one)}" for one in head) + f"{body}</table>"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
