"""What all request bodies have in common."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

T = TypeVar("T")


class Body(BaseModel):
    """A request's body. Fields that the API does not know are ignored, as the real one does."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def _empty_for_null(value: Any) -> Any:
    return [] if value is None else value


Listed = Annotated[list[T], BeforeValidator(_empty_for_null)]
"""A list that may also be sent as null."""
