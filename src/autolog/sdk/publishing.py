"""Publishing tasks, and removing tasks and models with the bytes that we keep of them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from autolog.errors import AutologError, InUse

if TYPE_CHECKING:
    from ._records import Records
    from .model import BaseModel
    from .task import Task

__all__ = ["delete_task", "publish_task", "remove_model"]


def publish_task(task: Task) -> bool:
    """Publish a task and its models; whether it is published. Raises InUse while it runs."""
    from autolog.store import publish

    found = task._records
    found.settle()
    record = found.store.task(task._entered())
    if record.status == "running":
        raise InUse(
            f"the task {record.name} is running; publish it when it is over, or its models one by one"
        )
    for each in record.outputs:
        publish(found.store, each.model_id)
    task._edit(lambda record: {"status": "published"})
    return True


def remove_model(model: BaseModel, *, delete_weights: bool, force: bool) -> None:
    """Remove a model. Raises NotFound, InUse and DestinationError."""
    _remove(model._records, [model.id], delete_weights=delete_weights, force=force)


def _remove(
    found: Records, model_ids: list[str], *, delete_weights: bool = True, force: bool = False
) -> None:
    from autolog import keeping, store

    found.settle()
    ids = [each.id for model_id in model_ids for each in found.store.model(model_id).snapshots]
    if not force and (uses := store.uses_by_others(found.store, ids, model_ids)):
        names = ", ".join(sorted({use.task_name for use in uses})[:3])
        raise InUse(f"{uses[0].name} has been loaded by {names}; remove it all the same with force=True")
    if not force and store.published_among(found.store, model_ids):
        raise InUse("it is published; remove it all the same with force=True")
    if delete_weights:
        going = store.Going(ids, model_ids, force)
        keeping.remove(found.store, found.settings, found.kept, going)
    else:
        store.remove(found.store, ids, model_ids, force=force)


def delete_task(task: Task, *, with_models: bool, skip_used: bool, raise_on_error: bool) -> bool:
    """Remove a task; whether it is gone. With `raise_on_error` InUse and DestinationError say why not."""
    from autolog import store

    found = task._records
    found.settle()
    try:
        record = found.store.task(task._entered())
        if record.status == "running":
            raise InUse(f"the task {record.name} is running; end it first")
        ids = [each.model_id for each in record.outputs]
        if ids and not with_models:
            raise InUse(f"the task {record.name} has {len(ids)} models; remove them along, or first")
        used = {use.model_id for use in store.uses_by_others(found.store, (), ids)}
        going = [each for each in ids if each not in used or not skip_used]
        if count := store.published_among(found.store, ids):
            raise InUse(
                f"{count} models of {record.name} are published; remove them first, with"
                " Model.remove(model, force=True)"
            )
        if going:
            _remove(found, going, force=not skip_used)
        left = [each for each in ids if each not in going]
        if left:
            raise InUse(
                f"{len(left)} models of {record.name} have been loaded by other tasks: it stays with them"
            )
        names = list(task.artifacts)
        if names:
            task.delete_artifacts(names)
        store.forget_task(found.store, record.id, force=not skip_used)
        return True
    except AutologError as error:
        if raise_on_error:
            raise
        warnings.warn(f"the task was not deleted: {error}", stacklevel=3)
        return False
