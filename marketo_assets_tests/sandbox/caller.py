"""A caller of Marketo's API without any cleverness: it shows what was answered, as it was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

SERVICE = {"client_id": "5d0f0c3e-sandbox-client", "client_secret": "sandbox-secret"}
EXPORT = "/bulk/v1/leads/export"
AUGUST = {"startAt": "2026-08-01T00:00:00Z", "endAt": "2026-08-31T23:59:59Z"}
JULY = {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-07-31T23:59:59Z"}
Json = dict[str, Any]


class Caller:
    """Calls with the token of one custom service, and orders things at the control desk."""

    def __init__(self, client: httpx.Client, service: Json | None = None) -> None:
        self.client = client
        self.service = service or SERVICE
        self.token = self.identify().json()["access_token"]

    def identify(self, method: str = "GET", **changes: str) -> httpx.Response:
        """Ask for a token with the service's credentials, *changes* applied."""
        params = {"grant_type": "client_credentials", **self.service, **changes}
        return self.client.request(method, "/identity/oauth/token", params=params)

    def renew(self) -> None:
        """Take the token that there is now."""
        self.token = self.identify().json()["access_token"]

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the answer to one authorised request."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Json:
        """Return the JSON answer to a GET."""
        return self.call("GET", path, params=params).json()

    def post(self, path: str, **more: Any) -> Json:
        """Return the JSON answer to a POST."""
        return self.call("POST", path, **more).json()

    def result(self, path: str, **params: Any) -> list[Any]:
        """Return the result of a GET that succeeds."""
        answer = self.get(path, **params)
        assert answer["success"], answer
        return answer["result"]

    def desk(self, method: str, path: str, **told: Any) -> Any:
        """Have the control desk do something, and return what it says."""
        answer = self.client.request(method, f"/sandbox{path}", json=told or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, seconds: float) -> None:
        """Let time pass in the sandbox, at once."""
        self.desk("POST", "/time", by=seconds)

    def until(self, is_so: Callable[[], bool], looks: int = 5_000) -> None:
        """Return when *is_so*, looking again and again but not for ever."""
        if not any(is_so() for _ in range(looks)):
            raise AssertionError(f"still not so after {looks} looks")

    def fault(self, kind: str, route: str = "*", **more: Any) -> None:
        """Order trouble."""
        self.desk("POST", "/faults", kind=kind, route=route, **more)

    def create(self, **changes: Any) -> Json:
        """Return the answer to Create Export Lead Job."""
        body = {"fields": ["id", "email", "createdAt"], "filter": {"createdAt": AUGUST}, **changes}
        return self.post(f"{EXPORT}/create.json", json=body)

    def created(self, **changes: Any) -> str:
        """Return the id of a new export job."""
        return self.create(**changes)["result"][0]["exportId"]

    def enqueue(self, export_id: str) -> Json:
        """Return the answer to Enqueue."""
        return self.post(f"{EXPORT}/{export_id}/enqueue.json")

    def enqueued(self, **changes: Any) -> str:
        """Return the id of a new export job that is in the queue."""
        export_id = self.created(**changes)
        answer = self.enqueue(export_id)
        assert answer["success"], answer
        return export_id

    def completed(self, **changes: Any) -> Json:
        """Return a new export job that has been completed."""
        export_id = self.enqueued(**changes)
        self.wait(240)
        job = self.status(export_id)
        assert job["status"] == "Completed", job
        return job

    def status(self, export_id: str) -> Json:
        """Return the job as its status shows it."""
        return self.result(f"{EXPORT}/{export_id}/status.json")[0]

    def file(self, export_id: str, **headers: str) -> httpx.Response:
        """Return the answer to the request for a job's file."""
        return self.call("GET", f"{EXPORT}/{export_id}/file.json", headers=headers)


def errors(answer: Json) -> list[tuple[str, str]]:
    """Return the codes and messages of an answer that refuses."""
    assert answer["success"] is False, answer
    return [(error["code"], error["message"]) for error in answer["errors"]]


def codes(answer: Json) -> list[str]:
    """Return the codes of an answer that refuses."""
    return [code for code, _ in errors(answer)]
