"""The scrape config, the alerts and the dashboard in deploy/ ask for what the bot really tells."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import metrics
from tests.support.metric_labels import ALLOWED

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DATA = Path(__file__).parent / "data"
# .ci/run puts it there where it is not installed.
PROMTOOL = shutil.which("promtool", path=f"{ROOT}/build/promtool/usr/bin:{os.environ['PATH']}")
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "wanda.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# What Prometheus adds to each series, and what it makes itself.
TARGET = {"instance", "job"}
MADE = {"up": set[str]()}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
WORDS = {
    *("sum", "max", "min", "count", "rate", "increase", "changes", "histogram_quantile", "vector", "time", "by", "or"),
    *("on", "and", "le", "label_values"),
}


def told() -> dict[str, set[str]]:
    """Return the name of every sample that /metrics can have, with its labels."""
    names: dict[str, set[str]] = {}
    for family in metrics.REGISTRY.collect():
        labels = set(ALLOWED.get(family.name, {}))
        for suffix in SUFFIXES[family.type]:
            names[f"{family.name}{suffix}"] = labels | TARGET | ({"le"} if suffix == "_bucket" else set())
    return names | {name: labels | TARGET for name, labels in MADE.items()}


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query of the alerts and the dashboard, with where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


QUERIES = list(queries())
SELECTOR = re.compile(r"\b([a-z][a-z0-9_]*)\b(?:\{([^}]*)\})?(?!\s*\()")


def selectors(query: str) -> dict[str, set[str]]:
    """Return the metrics that a query names, each with the labels that it asks of it."""
    found: dict[str, set[str]] = {}
    bare = re.sub(r"\b(by|on)\s*\(([^)]*)\)", "", query)
    bare = re.sub(r"\[[^\]]*\]|\$__?\w+", "", bare)
    for name, matchers in SELECTOR.findall(re.sub(r'"[^"]*"', '""', bare)):
        if name not in WORDS | TARGET:
            found.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    return found


def grouped_by(query: str) -> set[str]:
    """Return the labels that a query groups by."""
    return {label.strip() for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query) for label in labels.split(",")}


@pytest.mark.parametrize(("place", "query"), QUERIES, ids=[place for place, _ in QUERIES])
def test_every_metric_exists(place: str, query: str) -> None:
    """Each metric that is asked for is one of the program's, with the labels that it is chosen and grouped by."""
    known = told()
    asked = selectors(query)
    assert asked
    assert set(asked) <= set(known), place
    for name, labels in asked.items():
        assert labels <= known[name]
    assert grouped_by(query) <= set().union(*(known[name] for name in asked))


def test_a_missing_metric_is_noticed() -> None:
    """The test above finds names and labels wherever they stand in a query."""
    assert selectors('sum by (a) (rate(wanda_x_total{b="1",c=~"d(e)"}[5m])) > 0.2 * wanda_y or vector(0)') == {
        "wanda_x_total": {"b", "c"},
        "wanda_y": set(),
    }
    assert grouped_by("max by (instance, check) (x) and on (le) y") == {"instance", "check", "le"}


def test_every_label_is_listed() -> None:
    """The list of allowed labels names the labels of every metric that the program defines, and no others."""
    defined = {
        value._name: set(value._labelnames)
        for value in vars(metrics).values()
        if hasattr(value, "_labelnames") and value._labelnames
    }
    listed = {name: set(labels) for name, labels in ALLOWED.items() if not name.startswith("wanda_turns_")}
    assert defined == listed


def test_every_place_and_trouble_is_listed() -> None:
    """The list has the name of every place that members share, and of every kind of trouble, that the code counts."""
    code = "".join(path.read_text() for folder in ("bot", "cogs") for path in (ROOT / folder).rglob("*.py"))
    places = set(re.findall(r'FairTurns\(.*name="(\w+)"', code))
    troubles = set(re.findall(r'metrics\.TROUBLES\.labels\("(\w+)"\)', code))
    assert "encode" in places
    assert places <= ALLOWED["wanda_turns_held"]["place"]
    assert troubles == ALLOWED["wanda_interaction_errors"]["kind"]


def test_every_alert_says_what_it_means() -> None:
    """Each has a severity, a sentence or two, and its section of docs/operate.md."""
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operate.md#{rule['alert'].lower()}"
        assert rule["annotations"]["description"].endswith(".")


def test_every_panel_can_be_read() -> None:
    """Each has a title of its own, a unit, a description and the data source that is chosen at the top."""
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["description"].endswith(".")
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
        legends = [set(re.findall(r"{{(\w+)}}", target["legendFormat"])) for target in panel["targets"]]
        for target, shown in zip(panel["targets"], legends, strict=True):
            assert shown <= grouped_by(target["expr"]) | TARGET


def test_no_panels_overlap() -> None:
    """Every cell of the grid is one panel's, and none stands beyond its 24 columns."""
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & cells, panel["title"]
        cells |= own
    rows = [panel["gridPos"]["y"] for panel in DASHBOARD["panels"]]
    assert all(first <= second for first, second in pairwise(rows))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
@pytest.mark.parametrize(
    "check",
    [
        ("check", "rules", str(DEPLOY / "alerts.yml")),
        ("check", "config", str(DEPLOY / "prometheus.yml")),
        ("test", "rules", str(DATA / "alerts_test.yml")),
    ],
    ids=["rules", "config", "alerts"],
)
def test_prometheus_takes_the_files(check: tuple[str, ...]) -> None:
    """Prometheus's own tool finds no mistake, and the alerts fire when they should."""
    done = subprocess.run([str(PROMTOOL), *check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
def test_prometheus_takes_the_names() -> None:
    """promtool, which knows Prometheus's conventions, has nothing to say against the metrics."""
    from prometheus_client import generate_latest  # noqa: PLC0415 - needed here alone

    text = generate_latest(metrics.REGISTRY)
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
