"""The metrics as Prometheus reads them, and who may read them (contract section 1).

Where several workers share the public port, whichever of them is asked asks the others and shows all, each sample with
its `worker`. An internal port belongs to one process and shows that.

On the public port only with the token as Bearer: behind a proxy on this machine every client comes from loopback, so
the address says nothing. On the internal port, which listens on loopback, without one.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, NotFoundException
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from kefu import metrics
from kefu.transport.server.workers import Worker

PATHS = ["/metrics", "/chat/metrics"]
_ONLY = "this-worker"
"""The query by which workers ask each other."""
_HEAD = b"\n# HELP "
_HEADERS = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}


class _Declared(Collector):
    """Reads every declared metric when a scrape asks."""

    def collect(self) -> Iterator[Family]:
        """A family a metric, in the order of their declaration."""
        for metric in metrics.DECLARED:
            yield _family(metric)


def _family(metric: metrics.Metric) -> Family:
    family: CounterMetricFamily | GaugeMetricFamily
    if isinstance(metric, metrics.Histogram):
        bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(metric.counts), strict=True))
        return HistogramMetricFamily(metric.name, metric.meaning, buckets=buckets, sum_value=metric.total)
    if isinstance(metric, metrics.Counter):
        family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    else:
        assert isinstance(metric, metrics.Gauge)
        family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for values, number in metric.numbers().items():
        family.add_metric(values, number)
    return family


class _OfWorker(Collector):
    """Everything of this process, each sample with the worker's number."""

    def __init__(self, number: int) -> None:
        self._label = {"worker": str(number)}

    def collect(self) -> Iterator[Family]:
        """The same families, labelled."""
        for family in _registry.collect():
            family.samples = [sample._replace(labels=self._label | sample.labels) for sample in family.samples]
            yield family


_registry = CollectorRegistry(auto_describe=False)
_registry.register(_Declared())
ProcessCollector(registry=_registry)


def exposition(worker: Worker | None = None) -> bytes:
    """Every metric of this process, and what the kernel says of it (CPU, memory, open files), as Prometheus' text.

    With a worker, its number is a label.
    """
    if worker is None:
        return generate_latest(_registry)
    labelled = CollectorRegistry(auto_describe=False)
    labelled.register(_OfWorker(worker.number))
    return generate_latest(labelled)


def merged(texts: Iterable[bytes]) -> bytes:
    """One text of several: each metric once, with the samples of all."""
    samples: dict[bytes, list[bytes]] = {}
    for text in texts:
        for part in (b"\n" + text).split(_HEAD)[1:]:
            name, kind, *lines = part.rstrip(b"\n").split(b"\n")
            samples.setdefault(_HEAD[1:] + name + b"\n" + kind, []).extend(lines)
    return b"".join(b"\n".join([head, *lines, b""]) for head, lines in samples.items())


async def _of_all(worker: Worker, token: str) -> bytes:
    """What this worker and all that answer count."""
    headers = {"authorization": f"Bearer {token}"}
    asked = [worker.ask(number, f"{PATHS[0]}?{_ONLY}", headers) for number in worker.others()]
    return merged([exposition(worker), *filter(None, await asyncio.gather(*asked))])


@get(PATHS, media_type="text/plain", summary="Metrics for Prometheus")
async def public_metrics(request: Request[Any, Any, State], state: State) -> Response[bytes]:
    """For who knows `KEFU_METRICS_TOKEN`; without that setting there is no such page."""
    token: str | None = state.metrics_token
    if token is None:
        raise NotFoundException(f"there is nothing at {request.url.path}")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise NotAuthorizedException("send Authorization: Bearer with KEFU_METRICS_TOKEN")
    worker: Worker | None = state.worker
    if worker is None or request.url.query == _ONLY:
        return Response(exposition(worker), headers=_HEADERS)
    return Response(await _of_all(worker, token), headers=_HEADERS)


@get(PATHS, sync_to_thread=False, include_in_schema=False)
def internal_metrics() -> Response[bytes]:
    """For everybody who reaches the internal port: programs on this machine."""
    return Response(exposition(), headers=_HEADERS)
