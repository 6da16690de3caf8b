"""Random values of an OpenAPI schema, as the API server publishes it: whatever a user could send."""

import random
from typing import Any

_TEXTS = (
    *("", "a", "server", "weighbridge-model", "weighbridge-puller", "windows", "Always", "Never", "Exists"),
    *("/models", "/models/phi-4/x", "$(WEIGHBRIDGE_MODEL_PATH)", "500m", "1Gi", "nvidia.com/gpu"),
    *("größe", "\u2028", "x" * 300),
)
_NUMBERS = (0, 1, -1, 65532, 1 << 31, 1 << 53)
_DEPTH = 9


class Generator:
    """Random values; the same seed makes the same ones."""

    def __init__(self, schemas: dict[str, Any], seed: int) -> None:
        self._schemas = schemas
        self._chance = random.Random(seed)

    def value(self, name: str) -> Any:
        """Return a value of a named schema."""
        return self._of({"$ref": f"#/components/schemas/{name}"}, _DEPTH)

    def _of(self, schema: dict[str, Any], depth: int) -> Any:
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            elif len(schema.get("allOf", ())) == 1:
                schema = schema["allOf"][0]
            else:
                break
        if "oneOf" in schema:
            return self._of(self._chance.choice(schema["oneOf"]), depth)
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                count = self._chance.choice((0, 1, 1, 2, 3)) if depth > 0 else 0
                return [self._of(schema["items"], depth - 1) for _ in range(count)]
            case "boolean":
                return self._chance.random() < 0.5
            case "integer" | "number":
                return self._chance.choice(_NUMBERS)
            case _:
                return self._text(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, inner in schema.get("properties", {}).items():
            wanted = name in schema.get("required", ()) or self._chance.random() < 0.25
            if wanted and (depth > 0 or name in schema.get("required", ())):
                made[name] = self._of(inner, depth - 1)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth > 0:
            for _ in range(self._chance.choice((0, 1, 2))):
                made[self._chance.choice(_TEXTS)] = self._of(more, depth - 1)
        return made

    def _text(self, schema: dict[str, Any]) -> str:
        if schema.get("format") in ("date-time", "byte"):
            return "2026-01-01T00:00:00Z" if schema["format"] == "date-time" else "AAAA"
        return self._chance.choice(_TEXTS)
