"""What switch `lenient` takes: requests that no document knows and that connectors in the field send all the same."""

from __future__ import annotations

from marketo_assets_tests.sandbox.caller import AUGUST, EXPORT, Caller, codes
from marketo_assets_tests.sandbox.feed import switch

LEADS = "/rest/v1/leads.json"
TOLD = {"filterType": "id", "filterValues": "1001,1002,1003,1004", "fields": "id,email"}


def test_unknown_query_parameters_are_passed_over(marketo: Caller) -> None:
    """A page size where nothing is paged does no harm; without the switch it is 1003."""
    path, body = f"{EXPORT}/create.json", {"fields": ["id"], "filter": {"createdAt": AUGUST}}
    assert ["1003"] == codes(marketo.post(path, params={"batchSize": 300}, json=body))
    switch(marketo, lenient=True)

    assert ["Created"] == [job["status"] for job in marketo.post(path, params={"batchSize": 300}, json=body)["result"]]
    assert marketo.get("/rest/asset/v1/segmentation.json", batchSize=200)["success"]


def test_known_parameters_are_still_checked(marketo: Caller) -> None:
    """Lenient is not blind: a page that is too large, and a missing filter, stay errors."""
    switch(marketo, lenient=True)

    assert ["1003"] == codes(marketo.get(LEADS, **TOLD, batchSize=301))
    assert not marketo.get(LEADS, filterType="id")["success"]


def test_method_may_stand_in_the_form(marketo: Caller) -> None:
    """`_method=GET` beside the parameters in the body gives what it gives in the address."""
    assert ["612"] == codes(marketo.post(LEADS, data={"_method": "GET", **TOLD}))
    switch(marketo, lenient=True)

    found = marketo.post(LEADS, data={"_method": "GET", **TOLD})["result"]
    assert found
    assert marketo.get(LEADS, **TOLD)["result"] == found
    assert ["605"] == codes(marketo.post("/rest/asset/v1/folders.json", data={"_method": "GET", "maxDepth": "1"}))


def test_credentials_may_stand_in_a_form(marketo: Caller) -> None:
    """The form of other OAuth servers gives the same token, and wrong credentials are refused there too."""
    form = {"grant_type": "client_credentials", **marketo.service}
    switch(marketo, lenient=True)

    assert marketo.token == marketo.client.post("/identity/oauth/token", data=form).json()["access_token"]
    assert 401 == marketo.client.post("/identity/oauth/token", data={**form, "client_secret": "no"}).status_code
