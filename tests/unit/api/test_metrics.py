"""Several workers' metrics as one text."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from kefu.api.metrics import exposition, merged
from kefu.transport.server.workers import Worker


def samples(text: bytes) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    families = text_string_to_metric_families(text.decode())
    return [(sample.name, frozenset(sample.labels.items())) for family in families for sample in family.samples]


def test_all_samples_of_all_workers_each_metric_once() -> None:
    texts = [exposition(Worker(number, Path("/nowhere"))) for number in (0, 1, 10)]
    text = merged(texts)
    assert sorted(samples(text), key=repr) == sorted((one for part in texts for one in samples(part)), key=repr)
    heads = [line for line in text.splitlines() if line.startswith(b"#")]
    assert heads == [line for line in texts[0].splitlines() if line.startswith(b"#")]
    assert {dict(labels)["worker"] for _, labels in samples(text)} == {"0", "1", "10"}


def test_one_text_stays_as_it_is() -> None:
    text = exposition()
    assert merged([text]) == text
    assert not any("worker" in dict(labels) for _, labels in samples(text))
