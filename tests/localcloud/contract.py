"""Validates answers against DigitalOcean's published API description, where that lies beside the project."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DESCRIPTION = Path(__file__).resolve().parents[3] / "shared" / "data" / "digitalocean-openapi.json"
NAME = "urn:api"


class Contract:
    """The API description, with what it says of each answer."""

    def __init__(self, path: Path = DESCRIPTION) -> None:
        # References are made absolute, so that they lead the same way from any part of the description.
        self._text = json.loads(path.read_text("utf-8").replace('"#/', f'"{NAME}#/'))
        resource = Resource.from_contents(self._text, default_specification=DRAFT4)
        self._registry = Registry().with_resource(NAME, resource)
        self.checked: set[str] = set()

    def problems(self, answer: httpx.Response) -> list[str]:
        """What is wrong with an answer; nothing for one that is as described."""
        method, path = answer.request.method, answer.request.url.path
        found = self._operation(method, path)
        if found is None:
            return [f"{method} {path} is not in the API description"]
        template, operation = found
        self.checked.add(f"{method} {template}")
        described = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
        described = self._resolve(described)
        if str(answer.status_code) not in operation["responses"] and answer.status_code < 400:
            return [f"{method} {template} answers {answer.status_code}, which is not described"]
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return [f"{method} {template} answers with a body"] if answer.content else []
        validator = OAS30Validator(schema, registry=self._registry)
        return [
            f"{method} {template} {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(answer.json())
        ]

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        for pattern, template in self._templates:
            if pattern.fullmatch(path):
                operation = self._text["paths"][template].get(method.lower())
                if operation is not None:
                    return template, self._resolve(operation)
        return None

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        # The fewer placeholders, the more exactly a template says which path it is for.
        templates = sorted(self._text["paths"], key=lambda template: template.count("{"))
        return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template)), template) for template in templates]

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in value:
            value = self._registry.resolver().lookup(value["$ref"]).contents
        return value
