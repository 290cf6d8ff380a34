"""The scalars of a model: metrics at iterations, or of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .checks import number_of, whole_number

if TYPE_CHECKING:
    from ._records import Records
    from .task import Task

__all__ = ["Scalars"]


class Scalars:
    """What a model can do with numbers that tell how good it is."""

    _id: str
    _records: Records
    _task: Task | None

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Record a scalar at an iteration, as the metric `title/series`.

        Just `title` where both are the same.

        `where`, retention and the tables know it by that name. Raises BadName and BadValue.
        """
        number = whole_number(iteration, "an iteration")
        if self._task is not None:
            number += self._task.get_initial_iteration()
        self._score(title if title == series or not series else f"{title}/{series}", value, number)

    def report_single_value(self, name: str, value: float) -> None:
        """Record a scalar of the whole model. Raises BadName and BadValue."""
        self._score(name, value, None)

    @property
    def metrics(self) -> dict[str, float | None]:
        """The value with the highest iteration of each metric; None where it was not a number."""
        from autolog.store import latest_metrics

        self._records.settle()
        return latest_metrics(self._records.store, [self._id]).get(self._id, {})

    def get_metric(self, name: str) -> list[tuple[int | None, float | None]]:
        """`(iteration, value)` of a metric, by iteration; the iteration is None for a single value."""
        from autolog.store import metrics_of

        self._records.settle()
        found = metrics_of(self._records.store, self._id)
        return [(iteration, value) for each, iteration, value in found if each == name]

    def _score(self, name: str, value: float, iteration: int | None) -> None:
        from autolog.store import report

        number = number_of(value, f"the value of {str(name)[:60]!r}")
        report(self._records.store, self._id, name, number, iteration)
