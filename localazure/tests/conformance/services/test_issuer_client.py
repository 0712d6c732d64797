"""The OpenID issuer, used by the real ClientSecretCredential, and its tokens checked with PyJWT."""

import ssl

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential


def discover(services, tenant):
    url = f"{services.issuer}/{tenant}/v2.0/.well-known/openid-configuration"
    return requests.get(url, verify=services.bundle, timeout=10).json()


def verify(services, token, *, tenant, audience):
    """As an API does: keys and issuer from discovery."""
    configuration = discover(services, tenant)
    context = ssl.create_default_context(cafile=services.bundle)
    key = jwt.PyJWKClient(configuration["jwks_uri"], ssl_context=context).get_signing_key_from_jwt(token)
    return jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, issuer=configuration["issuer"])


def ask(services, tenant, **form):
    return requests.post(f"{services.issuer}/{tenant}/oauth2/v2.0/token", data=form, verify=services.bundle, timeout=10)


def test_client_secret_credential_gets_an_application_token(as_the_app):
    with ClientSecretCredential(
        "demo", "shop-backend", "any", authority=as_the_app.issuer, disable_instance_discovery=True
    ) as credential:
        token = credential.get_token("api://waybill/.default").token

    claims = verify(as_the_app, token, tenant="demo", audience="api://waybill")
    assert claims["iss"] == f"{as_the_app.issuer}/demo/v2.0"
    assert (claims["tid"], claims["azp"], claims["ver"], claims["idtyp"]) == ("demo", "shop-backend", "2.0", "app")
    assert "scp" not in claims


def test_developer_grant_gives_a_user_token_without_a_password(services):
    answer = ask(
        services,
        "demo",
        grant_type="urn:localazure:developer",
        subject="u-1",
        scope="api://waybill/.default",
        roles="operator customer",
    ).json()

    claims = verify(services, answer["access_token"], tenant="demo", audience="api://waybill")
    assert (claims["sub"], claims["roles"], claims["scp"]) == ("u-1", ["operator", "customer"], "access_as_user")
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 4500


def test_same_subject_of_two_tenants_is_two_people(services):
    form = {"grant_type": "urn:localazure:developer", "subject": "u-1", "scope": "api://waybill/.default"}
    tokens = {tenant: ask(services, tenant, **form).json()["access_token"] for tenant in ("demo", "acme")}
    claims = [verify(services, token, tenant=tenant, audience="api://waybill") for tenant, token in tokens.items()]

    assert claims[0]["oid"] != claims[1]["oid"]


def test_negative_lifetime_gives_an_expired_token(services):
    form = {"grant_type": "urn:localazure:developer", "subject": "u-1", "scope": "api://waybill/.default"}
    token = ask(services, "demo", **form, lifetime="-3600").json()["access_token"]

    with pytest.raises(jwt.ExpiredSignatureError):
        verify(services, token, tenant="demo", audience="api://waybill")


def test_common_discovery_names_the_issuer_as_a_template(services):
    assert discover(services, "common")["issuer"] == f"{services.issuer}/{{tenantid}}/v2.0"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password", "scope": "api://a/.default"}, "unsupported_grant_type"),
        (
            {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": "plain"},
            "invalid_scope",
        ),
        ({"grant_type": "client_credentials", "client_id": "a", "scope": "api://a/.default"}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
    ],
)
def test_bad_grants_are_answered_with_an_oauth_error(services, form, code):
    answer = ask(services, "demo", **form)

    assert (answer.status_code, answer.json()["error"]) == (400, code)


def test_credential_reports_a_refused_grant(as_the_app):
    with (
        ClientSecretCredential(
            "demo", "a", "b", authority=as_the_app.issuer, disable_instance_discovery=True
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="names no resource"),
    ):
        credential.get_token("plain")
