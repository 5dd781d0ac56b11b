"""Reading what a service tells Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scrape:
    """One answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: Samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, key
                self.samples[key] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """A series' value. KeyError: there is none."""
        return self.samples[name, tuple(sorted(labels.items()))]

    def of(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """All series of a name."""
        return {labels: value for (found, labels), value in self.samples.items() if found == name}

    def labels(self) -> dict[str, set[str]]:
        """Which labels each name has."""
        found: dict[str, set[str]] = {}
        for name, labels in self.samples:
            found.setdefault(name, set()).update(key for key, _ in labels)
        return found
