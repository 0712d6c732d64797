"""Stripe's errors: the HTTP status, the `error` object, and whether an idempotency key keeps the answer.

A key keeps what happened once execution began, be it a decline or a server error. It forgets refusals that came
before: of the credentials, of the parameters, of an object that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.payments.intent_models import Intent

DOCS = "https://stripe.com/docs/error-codes/"


@dataclass(kw_only=True)
class StripeError(Exception):
    """An answer other than 200. `kept`: a repetition with the same idempotency key gets this answer again."""

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    intent: Intent | None = None
    kept: bool = False

    def __str__(self) -> str:
        return self.message


def invalid_request(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """The parameters are at fault."""
    return StripeError(status=400, type="invalid_request_error", message=message, param=param, code=code)


def missing_parameter(param: str) -> StripeError:
    return invalid_request(f"Missing required param: {param}.", param=param, code="parameter_missing")


def unknown_parameter(param: str) -> StripeError:
    return invalid_request(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def no_such_object(kind: str, value: str, *, param: str, in_path: bool) -> StripeError:
    """Stripe answers 404 for an id in the path and 400 for an id in the parameters."""
    return StripeError(
        status=404 if in_path else 400,
        type="invalid_request_error",
        code="resource_missing",
        message=f"No such {kind}: '{value}'",
        param=param,
    )


def unrecognized_url(method: str, path: str) -> StripeError:
    return StripeError(
        status=404,
        type="invalid_request_error",
        message=f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
    )


def refused(
    message: str, *, intent: Intent | None = None, code: str | None = None, param: str | None = None
) -> StripeError:
    """Well-formed, but the state of the object forbids it."""
    return StripeError(
        status=400, type="invalid_request_error", message=message, code=code, param=param, intent=intent, kept=True
    )


def unauthenticated(key: str) -> StripeError:
    if not key:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
    else:
        message = f"Invalid API Key provided: {_masked(key)}"
    return StripeError(status=401, type="invalid_request_error", message=message)


def key_reused(key: str) -> StripeError:
    return StripeError(
        status=400,
        type="idempotency_error",
        message="Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
    )


def key_used_elsewhere(key: str, endpoint: str) -> StripeError:
    return StripeError(
        status=400,
        type="idempotency_error",
        message="Keys for idempotent requests can only be used for the same endpoint they were first used for "
        f"('{endpoint}'). Try using a key other than '{key}' if you meant to execute a different request.",
    )


def key_in_use(key: str) -> StripeError:
    return StripeError(
        status=409,
        type="invalid_request_error",
        code="idempotency_key_in_use",
        message="There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Try again later.",
    )


def injected(status: int) -> StripeError:
    """What a fault rule asks for. A 500 strikes after execution began, so the idempotency key keeps it."""
    if status == 429:
        return StripeError(
            status=429,
            type="invalid_request_error",
            code="rate_limit",
            message="Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        )
    return StripeError(
        status=status,
        type="api_error",
        message="An unknown error occurred" if status == 500 else "Stripe is temporarily unavailable",
        kept=status == 500,
    )


def _masked(key: str) -> str:
    shown = key[:8] if key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")) else ""
    return f"{shown}{'*' * max(len(key) - len(shown) - 4, 4)}{key[-4:]}"
