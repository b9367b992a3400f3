"""The metrics' kinds, and that documents and dashboard show exactly what is declared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kefu import metrics
from kefu.api.metrics import exposition
from kefu.api.requests import route_of
from kefu.metrics import Counter, Gauge, Histogram

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/kefu.json").read_text())
DECLARED = {metric.name: metric for metric in metrics.DECLARED}
OF_THE_KERNEL = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


@pytest.fixture(autouse=True)
def _undeclared() -> object:
    """What a test declares is forgotten after it."""
    before = list(metrics.DECLARED)
    yield
    metrics.DECLARED[:] = before


def test_a_counter_counts_by_label_values() -> None:
    counter = Counter("kefu_test_total", "Tests.", ("kind",))
    cell = counter.cell("a")
    cell.count += 2
    counter.add("a")
    counter.add("b")
    assert counter.numbers() == {("a",): 3, ("b",): 1}


def test_a_counter_without_labels_is_there_from_the_start() -> None:
    assert Counter("kefu_test_total", "Tests.").numbers() == {(): 0}


@pytest.mark.parametrize("values", [(), ("a", "b")])
def test_wrong_labels_are_told(values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="kefu_test_total has the labels"):
        Counter("kefu_test_total", "Tests.", ("kind",)).add(*values)


def test_a_gauge_adds_up_its_sources_until_they_end() -> None:
    gauge = Gauge("kefu_test", "Tests.", ("kind",))
    end = gauge.watch(lambda: {("a",): 1, ("b",): 2})
    gauge.watch(lambda: {("a",): 10})
    assert gauge.numbers() == {("a",): 11, ("b",): 2}
    end()
    assert gauge.numbers() == {("a",): 10}


def test_a_histogram_puts_a_bound_into_its_own_bucket() -> None:
    histogram = Histogram("kefu_test", "Tests.", (1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.observe(value)
    assert (histogram.counts, histogram.total) == ([2, 2, 1], 8)


def test_prometheus_reads_what_is_shown() -> None:
    histogram = Histogram("kefu_test_seconds", "Tests.", (0.1, 1))
    for value in (0.05, 0.5, 5):
        histogram.observe(value)
    families = {family.name: family for family in text_string_to_metric_families(exposition().decode())}
    assert {name.removesuffix("_total") for name in DECLARED} <= families.keys()
    samples = {(sample.name, sample.labels.get("le")): sample.value for sample in families["kefu_test_seconds"].samples}
    assert samples["kefu_test_seconds_bucket", "0.1"] == 1
    assert samples["kefu_test_seconds_bucket", "1.0"] == 2
    assert samples["kefu_test_seconds_bucket", "+Inf"] == samples["kefu_test_seconds_count", None] == 3
    assert samples["kefu_test_seconds_sum", None] == pytest.approx(5.55)


def test_names_follow_the_field() -> None:
    for metric in DECLARED.values():
        assert re.fullmatch(r"kefu_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.kind == "counter"), metric.name
        assert metric.meaning.endswith(".")
    assert len(DECLARED) == len(metrics.DECLARED)


@pytest.mark.parametrize("name", ["docs/en/metrics.md", "docs/zh-CN/metrics.md"])
def test_the_documents_list_every_metric_and_its_labels(name: str) -> None:
    rows = [line.split(" | ") for line in (ROOT / name).read_text().splitlines() if line.startswith("| `")]
    assert [row[0].strip("| `") for row in rows] == list(DECLARED)
    for row, metric in zip(rows, DECLARED.values(), strict=True):
        assert all(f"`{label}`" in row[3] for label in metric.labels), row
        if name == "docs/en/metrics.md":
            assert row[1:3] == [metric.kind, metric.meaning]


def queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_the_dashboard_asks_for_all_that_is_declared_and_nothing_else() -> None:
    asked = {name for query in queries() for name in re.findall(r"\b((?:kefu|process)_\w+)\{", query)}
    shown = {name.removesuffix("_bucket") if name not in DECLARED else name for name in asked}
    assert shown == DECLARED.keys() | OF_THE_KERNEL


def test_the_dashboard_groups_by_labels_that_exist() -> None:
    for query in queries():
        for labels, name in re.findall(r"by \(([\w, ]+)\) \((?:rate\()?(\w+)\{", query):
            metric = DECLARED[name.removesuffix("_bucket")]
            known = {*metric.labels, "instance", *(["le"] if metric.kind == "histogram" else [])}
            assert set(labels.split(", ")) <= known, query


def test_the_dashboard_can_be_pointed_anywhere() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "instance"}
    assert all('instance=~"$instance"' in query for query in queries())
    sources = [item["datasource"] for panel in DASHBOARD["panels"] for item in (panel, *panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/health", "health"),
        ("/chat/health", "health"),
        ("/chat/widget/widget.js", "widget"),
        ("/ws-visitor/", "ws-visitor"),
        ("/chat", "other"),
        ("/chatter", "other"),
        ("/wp-login.php", "other"),
        ("/", "other"),
    ],
)
def test_clients_make_up_no_routes(path: str, route: str) -> None:
    assert route_of(path) == route
