"""The description of the API, made from what is installed: OpenAPI 3.1 at /api/openapi.json."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from flask import Blueprint, current_app, jsonify
from werkzeug.wrappers import Response

from collab.spaces.exclusions import Exclude
from collab.spaces.membership import AskToJoin
from collab.spaces.once import MAX_KEY
from collab.spaces.operations import OpenSpace
from collab.web.once import HEADER
from collab.web.runtime import current_runtime

bp = Blueprint("openapi", __name__)
Json = dict[str, Any]
PLAIN = {str: "string", int: "integer", bool: "boolean", float: "number"}
PARAMETERS = {
    "address": "`slug` for a space of this instance, `slug@host` for a remote one",
    "tool": "a tool of the space, for example `discussion` or `pages`",
    "plural": "a kind of item of the tool, for example `threads` or `documents`",
    "uid": "the public id of an item",
    "member": "the number of a person in a list of members or requests",
}
NAMED_BODIES = {"open_one": OpenSpace, "join_space": AskToJoin, "exclude_person": Exclude}
QUERIES = {
    "search": ("q", "space", "tool", "order", "limit", "cursor"),
    "list_spaces": ("limit", "cursor"),
    "list_items": ("limit", "cursor"),
    "list_messages": ("limit", "cursor"),
}


@bp.get("/api/openapi.json")
def describe() -> Response:
    """The whole description."""
    runtime = current_runtime()
    schemas = {"Problem": PROBLEM, "Message": MESSAGE}
    for tool in runtime.tools:
        for kind in tool.kinds:
            schemas[kind.add.input.__name__] = schema_of(kind.add.input)
            schemas[kind.revise.input.__name__] = schema_of(kind.revise.input)
    for named in NAMED_BODIES.values():
        schemas[named.__name__] = schema_of(named)
    return jsonify(
        openapi="3.1.0",
        info={
            "title": "collab",
            "version": "1",
            "description": "Spaces, items, messages, search. Bearer tokens; problem JSON.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        servers=[{"url": runtime.settings.origin}],
        security=[{"bearer": []}],
        paths=_paths(),
        components={
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    )


def _paths() -> Json:
    paths: Json = {}
    for rule in current_app.url_map.iter_rules():
        if not rule.endpoint.startswith("api."):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            name = rule.endpoint.partition(".")[2]
            paths.setdefault(path, {})[method.lower()] = _operation(name, method, path)
    return paths


def _operation(name: str, method: str, path: str) -> Json:
    view = current_app.view_functions[f"api.{name}"]
    first = (view.__doc__ or name.replace("_", " ")).strip().partition("\n")[0]
    told: Json = {
        "operationId": name,
        "summary": first,
        "parameters": [
            {
                "name": part,
                "in": "path",
                "required": True,
                "description": PARAMETERS.get(part, ""),
                "schema": {"type": "integer" if part == "member" else "string"},
            }
            for part in re.findall(r"{(\w+)}", path)
        ],
        "responses": {
            "2XX": {"description": "done", "content": {"application/json": {}}},
            "4XX": {
                "description": "refused",
                "content": {"application/problem+json": {"schema": _ref("Problem")}},
            },
        },
    }
    told["parameters"] += [
        {"name": query, "in": "query", "schema": {"type": "string"}}
        for query in QUERIES.get(name, ())
    ]
    if name in ONCE:
        told["parameters"].append(KEY)
    if body := _body(name, method):
        told["requestBody"] = {"content": {"application/json": {"schema": body}}}
        if name == "add_message":
            told["requestBody"]["content"]["multipart/form-data"] = {"schema": SPOKEN}
    return told


def _body(name: str, method: str) -> Json | None:
    if name in NAMED_BODIES:
        return _ref(NAMED_BODIES[name].__name__)
    if name == "add_message":
        return _ref("Message")
    kinds = [kind for tool in current_runtime().tools for kind in tool.kinds]
    if name == "add_item":
        return {"anyOf": [_ref(kind.add.input.__name__) for kind in kinds]}
    if name == "change_item":
        return {"anyOf": [_ref(kind.revise.input.__name__) for kind in kinds]}
    return {"type": "object"} if method in ("POST", "PATCH") else None


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def schema_of(kind: type[Any]) -> Json:
    """JSON Schema of an operation's input; fields that only trusted code sets are left out."""
    hints = get_type_hints(kind)
    shown = [f for f in fields(kind) if not f.metadata.get("internal")]
    needed = [f.name for f in shown if f.default is MISSING and f.default_factory is MISSING]
    told: Json = {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "properties": {f.name: _type(hints[f.name]) for f in shown},
    }
    return told | ({"required": needed} if needed else {})


def _type(hint: Any) -> Json:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = [a for a in get_args(hint) if a is not NoneType]
        return _type(inner)
    if origin in (list, tuple):
        return {"type": "array", "items": _type(get_args(hint)[0])}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if hint in (date, datetime):
        return {"type": "string", "format": "date-time" if hint is datetime else "date"}
    return {"type": PLAIN.get(hint, "string")}


ONCE = ("add_item", "add_message", "change_item", "remove_item", "report_item", "open_one")
"""Writes that a key makes safe to send again."""
KEY: Json = {
    "name": HEADER,
    "in": "header",
    "description": "Names this write: within 48 hours, sending it again does nothing more.",
    "schema": {"type": "string", "maxLength": MAX_KEY},
}
PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["title", "status", "code"],
}
SPOKEN: Json = {
    "type": "object",
    "properties": {
        "voice": {"type": "string", "format": "binary", "description": "a recording"},
        "body": {"type": "string", "description": "what is said in it; may be empty"},
        "reply_to": {"type": "string"},
    },
    "required": ["voice"],
}
MESSAGE: Json = {
    "type": "object",
    "properties": {"body": {"type": "string", "description": "Markdown"}},
    "required": ["body"],
}
