"""Which URN a registered resource gets, and which resource of the old state it is."""

from __future__ import annotations

from localengine import urn as urns
from localengine.errors import EngineError
from localengine.goal import Alias, Goal
from localengine.journal import Journal
from localengine.state import Resource


class Names:
    """Hands out URNs once each and follows renamed resources through their aliases."""

    def __init__(self, stack: str, project: str, journal: Journal) -> None:
        self._stack = stack
        self._project = project
        self._journal = journal
        self._taken: set[str] = set()
        self._former: dict[str, str] = {}
        self._claimed_by: dict[str, str] = {}

    def claim(self, goal: Goal) -> tuple[str, Resource | None]:
        """Return the URN for `goal` and the old resource it continues, if any.

        Raises EngineError for a name used twice and for a parent that is not registered.
        """
        if goal.parent and goal.parent not in self._taken:
            raise EngineError(f"{goal.name} ({goal.type}): its parent {goal.parent} is not registered")
        urn = urns.make(self._stack, self._project, goal.parent, goal.type, goal.name)
        if urn in self._taken:
            raise EngineError(
                f"two resources of the type {goal.type} are named {goal.name!r}: give one another name"
            )
        self._taken.add(urn)
        if urn in self._claimed_by:
            raise EngineError(f"{urn} was continued as {self._claimed_by[urn]} already")
        for candidate in (urn, *self._aliases(goal)):
            old = self._journal.old(candidate)
            if old is None:
                continue
            if candidate != urn:
                if candidate in self._taken or candidate in self._claimed_by:
                    raise EngineError(
                        f"{goal.name} ({goal.type}): its alias {candidate} names another resource, too"
                    )
                self._claimed_by[candidate] = urn
                self._former[urn] = candidate
                self._journal.rename(candidate, urn)
            return urn, old
        return urn, None

    def former(self, urn: str) -> str:
        """Return the URN that `urn` had in the old state."""
        return self._former.get(urn, urn)

    def _aliases(self, goal: Goal) -> list[str]:
        own = [self._collapse(goal, alias) for alias in goal.aliases]
        found = dict.fromkeys(own)
        parent = self._former.get(goal.parent)
        if parent:
            parent_name = urns.name_of(goal.parent)
            found[self._inherited(goal.type, goal.name, parent_name, parent)] = None
            for urn in own:
                found[self._inherited(urns.type_of(urn), urns.name_of(urn), parent_name, parent)] = None
        return list(found)

    def _collapse(self, goal: Goal, alias: Alias) -> str:
        if alias.urn:
            return alias.urn
        parent = "" if alias.no_parent else self._former.get(alias.parent, alias.parent) or goal.parent
        return urns.make(
            alias.stack or self._stack,
            alias.project or self._project,
            parent,
            alias.type or goal.type,
            alias.name or goal.name,
        )

    def _inherited(self, type: str, name: str, parent_name: str, former_parent: str) -> str:
        # Children are named after their parent by convention, so a renamed parent renames them as well.
        if name.startswith(parent_name):
            name = urns.name_of(former_parent) + name.removeprefix(parent_name)
        return urns.make(self._stack, self._project, former_parent, type, name)
