"""Activities as the documents show them: Get Lead Activities, and Get Lead Changes."""

from __future__ import annotations

from typing import Any

VISIT: dict[str, Any] = {
    "id": 102988,
    "marketoGUID": "102988",
    "leadId": 5,
    "activityDate": "2026-08-01T09:15:00Z",
    "activityTypeId": 1,
    "campaignId": 17,
    "primaryAttributeValueId": 71,
    "primaryAttributeValue": "example.com/pricing",
    "attributes": [{"name": "Client IP Address", "value": "203.0.113.9"}, {"name": "Query Parameters", "value": ""}],
}
CHANGE: dict[str, Any] = {
    "id": 88,
    "marketoGUID": "88",
    "leadId": 775,
    "activityDate": "2026-08-01T22:31:49+0000",
    "activityTypeId": 13,
    "campaignId": 4,
    "fields": [{"id": 48, "name": "firstName", "newValue": "Ana", "oldValue": "Anna"}],
    "attributes": [
        {"name": "Source", "value": "Web service API"},
        {"name": "Reason", "value": "Nightly load"},
        {"name": "Lead ID", "value": 775},
    ],
}
NEW_LEAD: dict[str, Any] = {
    "id": 89,
    "marketoGUID": "89",
    "leadId": 776,
    "activityDate": "2026-08-01T22:40:00Z",
    "activityTypeId": 12,
    "primaryAttributeValueId": 776,
    "primaryAttributeValue": "New Person",
    "attributes": [{"name": "Source Type", "value": "New lead"}],
}
