"""What answered and unanswered probes say of a tunnel's health. Pure."""

from __future__ import annotations

from gatewright.resources.tunnel_states import HealthStatus

#: Answers in a row after which one that had failed is good again.
ENOUGH = 3


class Verdict:
    """Nothing is known before the first answer, or before as many were missing as say that it fails."""

    def __init__(self, retry: int, status: HealthStatus = HealthStatus.UNKNOWN) -> None:
        """``retry`` unanswered probes in a row mean that it fails."""
        self._retry = retry
        self._answered = self._missed = 0
        self.status = status

    def answered(self) -> None:
        self._missed = 0
        self._answered += 1
        if self.status is not HealthStatus.FAILED or self._answered >= ENOUGH:
            self.status = HealthStatus.GOOD

    def missed(self) -> None:
        self._answered = 0
        self._missed += 1
        if self._missed >= self._retry:
            self.status = HealthStatus.FAILED

    def interrupted(self) -> None:
        """No probe can be sent: what was good may be so no more, what failed has to show that it is good."""
        self._answered = self._missed = 0
        if self.status is not HealthStatus.FAILED:
            self.status = HealthStatus.UNKNOWN
