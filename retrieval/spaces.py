"""Spaces and their versions: keep them in step with the settings, build, switch, roll back."""

from __future__ import annotations

import logging
import time
import uuid
from math import inf
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from ingestion.models import Chunk, Document
from retrieval import (
    background,
    building,
    embedding,
    keyword_reader,
    keywords,
    leases,
    pruning,
    space_reader,
)
from retrieval.candidates import IndexNotReady
from retrieval.embedders import EmbedderPlan, plan_for
from retrieval.keyword_text import ANALYSIS
from retrieval.models import SpaceInput, SpaceVersion, SpaceVersionState
from retrieval.signals import version_switched
from retrieval.space_status import SpaceStatus, describe

__all__ = [
    "SpaceStatus",
    "activate",
    "begin_version",
    "build_version",
    "describe",
    "live_versions",
    "open_index",
    "open_indexes",
    "rebuild_index",
    "refresh_indexes",
    "roll_back",
    "switch_to",
    "sync",
    "tend",
    "version_before",
]

logger = logging.getLogger(__name__)

# Old rows are let go of for so long at a time; what is left waits for the next time.
PRUNE_SECONDS = 20.0


def live_versions() -> dict[str, SpaceVersion]:
    """Return the version of each configured space that is searched, as it is now, in one query."""
    live = {version.space: version for version in SpaceVersion.objects.live()}
    names = [*settings.SPACES, keywords.SPACE]
    return {name: live[name] for name in names if name in live}


def sync() -> None:
    """Bring the versions in step with the settings and with the weights that can be had.

    A space that has none gets its first one, live and empty. Where another model is wanted
    than the live one, the next version is begun, and a worker is asked to fill it; what was
    begun before for yet another model is given up. Running it again, or in several processes,
    changes nothing.
    """
    live = live_versions()
    for space in settings.SPACES:
        _sync(space, live.get(space), _wanted(plan_for(space)))
    analyzer = f"{settings.KEYWORD_ANALYZER}.{ANALYSIS}"
    wanted = {"model": analyzer, "dimension": 0, "metric": "bm25", "input": SpaceInput.NONE}
    _sync(keywords.SPACE, live.get(keywords.SPACE), wanted)
    for version in SpaceVersion.objects.filter(state=SpaceVersionState.BUILDING, error=""):
        background.request_once("build_space_version", version.pk)


def _wanted(plan: EmbedderPlan) -> dict[str, Any]:
    return {
        "model": plan.model,
        "dimension": plan.dimension,
        "metric": plan.metric,
        "input": SpaceInput.DESCRIPTION if plan.is_fallback else SpaceInput(plan.input),
        "available": plan.available,
    }


def _sync(space: str, live: SpaceVersion | None, wanted: dict[str, Any]) -> None:
    available = wanted.pop("available", True)
    index_settings = settings.SPACES.get(space, {}).get("index", {})
    if live is None:
        _create(space, SpaceVersionState.LIVE, wanted, index_settings)
        return
    if live.index_settings != index_settings:
        SpaceVersion.objects.filter(pk=live.pk).update(index_settings=index_settings)
    if not available:
        return
    same = {key: wanted[key] for key in ("model", "metric", "input")}
    # Weights that have gone missing are no reason to give up what is made with them.
    if wanted["input"] != SpaceInput.DESCRIPTION:
        _give_up_others(space, same)
    if not _is_better(wanted, live):
        return
    # What stands in for a model gives way to it at once.
    waits = settings.ASK_BEFORE_SWITCH and live.input != SpaceInput.DESCRIPTION
    newer = SpaceVersion.objects.filter(space=space, number__gt=live.number, **same)
    # A version that was rolled back is not begun again by itself; one that was given up is.
    begun = Q(state=SpaceVersionState.BUILDING) | Q(activated_at__isnull=False)
    if not newer.filter(begun).exists():
        _create(space, SpaceVersionState.BUILDING, {**wanted, "waits": waits}, index_settings)


def _give_up_others(space: str, wanted: dict[str, Any]) -> None:
    """Give up what was begun for a model that is wanted no more, so that it never goes live.

    What waits was made to be compared, and stays.
    """
    begun = SpaceVersion.objects.filter(space=space, state=SpaceVersionState.BUILDING, waits=False)
    if begun.exclude(**wanted).update(state=SpaceVersionState.DISCARDED):
        logger.info("What was begun of the space %s is given up: the settings changed.", space)


def _is_better(wanted: dict[str, Any], live: SpaceVersion) -> bool:
    """Tell whether the wanted model should take the live one's place.

    Weights that have gone missing are no reason to give up what was made with them.
    """
    if wanted["input"] == SpaceInput.DESCRIPTION and live.input == SpaceInput.IMAGE:
        return False
    return any(wanted[key] != getattr(live, key) for key in ("model", "metric", "input"))


def _create(
    space: str,
    state: SpaceVersionState,
    wanted: dict[str, Any],
    index_settings: dict[str, Any],
) -> None:
    newest = SpaceVersion.objects.filter(space=space).aggregate(number=Max("number"))["number"]
    now = timezone.now() if state == SpaceVersionState.LIVE else None
    try:
        with transaction.atomic():
            version = SpaceVersion.objects.create(
                space=space,
                number=(newest or 0) + 1,
                state=state,
                activated_at=now,
                index_settings=index_settings,
                **wanted,
            )
    except IntegrityError:
        return  # Another process did the same at the same moment.
    logger.info("%s begins, %s.", version, version.state)


# What may be switched to by hand.
SWITCHABLE = (SpaceVersionState.BUILDING, SpaceVersionState.RETIRED)


def begin_version(space: str, *, waits: bool = False) -> SpaceVersion:
    """Begin a version with the model that the settings name, also after a roll-back.

    When it is full it is switched to, unless it `waits` to be compared with the live one. One
    that is being built already goes on instead. Raises ValueError for the keywords.
    """
    if space == keywords.SPACE:
        raise ValueError("the keyword index has no model to switch; rebuild it instead")
    wanted = _wanted(plan_for(space))
    wanted.pop("available")
    of_space = SpaceVersion.objects.filter(space=space).order_by("-number")
    same = {key: wanted[key] for key in ("model", "metric", "input")}
    version = of_space.filter(state=SpaceVersionState.BUILDING, **same).first()
    if version is None:
        index_settings = settings.SPACES[space].get("index", {})
        _create(space, SpaceVersionState.BUILDING, wanted, index_settings)
        version = of_space[0]
    SpaceVersion.objects.filter(pk=version.pk).update(waits=waits)
    version.waits = waits
    transaction.on_commit(lambda: background.request("build_space_version", version.pk))
    return version


def build_version(version: SpaceVersion, *, until: float = inf) -> bool:
    """Give every published chunk its vector in this version, then make the version live.

    One that `waits` is left as it is, full, until somebody switches to it.
    For a live version, fill its gaps. Goes on where it stopped. Returns False when it is to
    be called again, because the clock (time.monotonic) has passed `until`. Raises LeaseLost
    when another process is at it, and ModelUnavailable.
    """
    version.refresh_from_db()
    if version.state in (SpaceVersionState.RETIRED, SpaceVersionState.DISCARDED):
        return True
    if version.space == keywords.SPACE:
        keywords.refresh(version)
        activate(version)
        return True
    if version.space not in settings.SPACES:
        return True
    embedding.load_model(version)
    while not _build_step(version, until):
        if time.monotonic() > until:
            return False
        version.refresh_from_db()
    return True


def _build_step(version: SpaceVersion, until: float) -> bool:
    """Fill what is missing; if nothing was, switch, or wait. False: it has to be tried again."""
    revision = version.revision
    if not fill(version, until=until):
        return False
    if building.is_due(version):
        building.build_snapshot(version)
    return version.waits or activate(version, at_revision=revision)


def fill(version: SpaceVersion, *, until: float = inf) -> bool:
    """Make the vectors that published chunks lack in this version; True when there were none.

    Raises LeaseLost when another process is at it.
    """
    chunks = Chunk.objects.live()
    lacking = embedding.missing(version, chunks)
    total, missing = embedding.in_space(version, chunks).count(), lacking.count()
    progress = SpaceVersion.objects.filter(pk=version.pk)
    progress.update(chunks_total=total, chunks_done=total - missing, error="")
    filled = 0
    with leases.writing(version) as lease:

        def after_slice(count: int) -> None:
            progress.update(chunks_done=F("chunks_done") + count)
            lease.renew()

        # The default order would make every row distinct.
        ids = lacking.order_by("document").values_list("document", flat=True).distinct()
        for document in Document.objects.filter(pk__in=list(ids)).order_by("pk"):
            filled += embedding.fill_document(version, document, after_slice=after_slice)
            if time.monotonic() > until:
                return False
    return filled == 0


def open_indexes() -> None:
    """Open the live indexes in this process, so that the first search finds them open."""
    for version in live_versions().values():
        try:
            open_index(version)
        except IndexNotReady as exc:
            logger.info("The %s index is not open yet: %s", version.space, exc)


def open_index(version: SpaceVersion, *, wait: bool = False) -> None:
    """Open the version's index in this process.

    With `wait`, also where many rows have to be read for it. Raises IndexNotReady.
    """
    if version.space == keywords.SPACE:
        keyword_reader.reader_of(version).current(version)
        return
    reader = space_reader.reader_of(version)
    try:
        reader.current(version)
    except IndexNotReady:
        if not wait:
            raise
        reader.wait_for_loader()
        reader.current(version)


def rebuild_index(version: SpaceVersion) -> None:
    """Build the version's index anew from the database; searches go on meanwhile.

    Raises LeaseLost when another process is at it.
    """
    if version.space == keywords.SPACE:
        keywords.build(version)
    else:
        building.build_snapshot(version, anew=True)


def refresh_indexes() -> None:
    """Bring the keyword index up to date, and build the snapshots that are due.

    Raises LeaseLost when another process is at one of them.
    """
    for version in SpaceVersion.objects.fed().filter(space=keywords.SPACE):
        keywords.refresh(version)
    for version in SpaceVersion.objects.live().with_vectors():
        if building.is_due(version):
            building.build_snapshot(version)


def tend() -> None:
    """Take up whatever was left undone: lost tasks, new weights, missing vectors, old rows."""
    sync()
    for version in embedding.fed_versions():
        if version.state == SpaceVersionState.LIVE:
            available = plan_for(version.space, version.model).available
            if available and embedding.lacks_some(version):
                background.request_once("build_space_version", version.pk)
            if building.is_mostly_dead(version):
                building.build_snapshot(version, anew=True)
    refresh_indexes()
    pruning.prune(until=time.monotonic() + PRUNE_SECONDS)


def activate(version: SpaceVersion, *, at_revision: int | None = None) -> bool:
    """Make the version the one that is searched, in one step; False if something changed.

    With `at_revision`, nothing is switched unless the version is still at that revision.
    """
    with transaction.atomic():
        all_versions = SpaceVersion.objects.filter(space=version.space).order_by("pk")
        locked = {one.pk: one for one in all_versions.select_for_update(no_key=True)}
        now = locked[version.pk]
        if now.state != SpaceVersionState.BUILDING:
            return True  # It is live already, or another one has taken its place.
        if at_revision is not None and now.revision != at_revision:
            return False
        _switch(now)
    logger.info("%s is live.", version)
    return True


def _switch(version: SpaceVersion, **fields: Any) -> None:
    others = SpaceVersion.objects.filter(space=version.space).exclude(pk=version.pk)
    others.filter(state=SpaceVersionState.LIVE).update(state=SpaceVersionState.RETIRED)
    SpaceVersion.objects.filter(pk=version.pk).update(
        state=SpaceVersionState.LIVE, activated_at=timezone.now(), error="", **fields
    )
    version_switched.send(sender=SpaceVersion, version=version)


def switch_to(version: SpaceVersion) -> None:
    """Search this version, at once; its gaps are filled after."""
    with transaction.atomic():
        # Changes are not recorded for a version while it is retired, so nothing that was derived
        # from its rows may be served: under a new uuid, all of it is foreign.
        was_fed = version.state == SpaceVersionState.BUILDING
        _switch(version, **({} if was_fed else {"uuid": uuid.uuid4()}))
        transaction.on_commit(lambda: background.request("build_space_version", version.pk))
    version.refresh_from_db()


def roll_back(space: str) -> SpaceVersion:
    """Search what was searched before the live version again, at once; its gaps are filled after.

    Raises LookupError when there is none.
    """
    with transaction.atomic():
        versions = SpaceVersion.objects.filter(space=space).select_for_update(no_key=True)
        version = version_before(versions.get(state=SpaceVersionState.LIVE))
        switch_to(version)
    return version


def version_before(live: SpaceVersion) -> SpaceVersion:
    """Return the version that a roll-back would search. Raises LookupError when there is none."""
    version = SpaceVersion.objects.before(live)
    if version is None:
        raise LookupError(f"the space {live.space} has no version before {live.number}")
    return version
