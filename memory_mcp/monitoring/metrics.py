"""This module counts calls and measures their latency within one process."""

import threading
from collections import defaultdict, deque
from collections.abc import Sequence

from msgspec import Struct

_KEPT = 2_000  # latencies per call name; older ones leave the percentiles


class CallMetrics(Struct, frozen=True):
    """Calls of one name: how many, how many failed, percentiles of the latest 2,000 in milliseconds."""

    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Metrics:
    """A recorder that threads may share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._calls: defaultdict[str, int] = defaultdict(int)
        self._errors: defaultdict[str, int] = defaultdict(int)

    def record(self, name: str, seconds: float, *, failed: bool) -> None:
        """Count one call."""
        with self._lock:
            self._latencies[name].append(seconds * 1_000)
            self._calls[name] += 1
            self._errors[name] += failed

    def snapshot(self) -> dict[str, CallMetrics]:
        """Return the metrics of every name that was called."""
        with self._lock:
            return {
                name: CallMetrics(
                    self._calls[name],
                    self._errors[name],
                    *(percentile(sorted(values), share) for share in (0.5, 0.95, 0.99)),
                )
                for name, values in sorted(self._latencies.items())
            }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of ascending values, rounded to microseconds."""
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3)
