"""The pages, one module a subject. A new subject adds its routes here, and its line to `site.NAVIGATION`."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from . import (
    actions,
    compare,
    detail,
    editing,
    entries,
    lineage,
    models,
    network,
    news,
    panels,
    plots,
    scalars,
    start,
    task,
    task_files,
    task_models,
    task_tables,
    tasks,
    versions,
)

__all__ = ["routes"]


def routes() -> list[BaseRoute]:
    """All of them; the first that fits answers."""
    return [
        Route("/favicon.ico", start.favicon, name="favicon"),
        *start.ROUTES,
        *actions.ROUTES,
        *models.ROUTES,
        *news.ROUTES,
        *panels.ROUTES,
        *versions.ROUTES,
        *network.ROUTES,
        *entries.ROUTES,
        *editing.ROUTES,
        *detail.ROUTES,
        *lineage.ROUTES,
        *scalars.ROUTES,
        *plots.ROUTES,
        *compare.ROUTES,
        *tasks.ROUTES,
        *task_files.ROUTES,
        *task_models.ROUTES,
        *task_tables.ROUTES,
        *task.ROUTES,
    ]
