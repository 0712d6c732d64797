from __future__ import annotations

import inspect

import pytest

from domain import errors
from domain.changes import IllegalTransition
from domain.errors import Conflict, Defect, FieldError, Invalid, Transient, Unauthenticated, WaybillError
from triggers.web.problems import problem


def test_invalid_request_points_at_each_field() -> None:
    answer = problem(Invalid("no", (FieldError("/lines/0/sku", "is no id"),)), "/api/v1/orders")

    assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert answer.body == {
        "type": "urn:waybill:problem:invalid",
        "title": "The request is not valid",
        "status": 400,
        "detail": "no",
        "instance": "/api/v1/orders",
        "errors": [{"pointer": "/lines/0/sku", "detail": "is no id"}],
    }


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), Defect("hunter2"), KeyError("hunter2")])
def test_defect_says_nothing_about_our_insides(error: Exception) -> None:
    answer = problem(error, "/x")

    assert answer.status == 500
    assert "hunter2" not in str(answer.body)


def test_subclass_is_told_as_its_kind() -> None:
    class AlreadyExists(Conflict):
        pass

    assert problem(AlreadyExists("twice"), "/x").status == 409
    assert issubclass(IllegalTransition, Defect)


def test_transient_fault_says_when_to_come_back() -> None:
    answer = problem(Transient("catalog: batch: answered 429", retry_after_s=7), "/x")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert "7 s" in answer.body["detail"]
    assert "catalog" not in answer.body["detail"]


def test_missing_token_is_answered_with_a_challenge() -> None:
    challenge = problem(Unauthenticated('the "token" has expired'), "/x").headers["WWW-Authenticate"]

    assert challenge.startswith('Bearer realm="waybill", error="invalid_token"')
    assert challenge.endswith("error_description=\"the 'token' has expired\"")


def test_every_kind_of_error_has_a_status_of_its_own_meaning() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, WaybillError) and kind not in (WaybillError, Transient, Invalid)
    ]
    statuses = {kind.__name__: problem(kind("x"), "/x").status for kind in kinds}

    assert statuses == {
        "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404, "Rejected": 409, "Conflict": 409, "Gone": 410,
        "ConditionFailed": 412, "TooLarge": 413, "WrongMediaType": 415, "Unconditional": 428, "Defect": 500,
    }  # fmt: skip
