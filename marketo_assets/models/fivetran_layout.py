"""The layout of schema `fivetran_marketo`: tables and columns as Fivetran's Marketo connector names and types them.

Moments are TIMESTAMP in UTC, so that what a reader makes of them does not hang on the time zone of a session.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "fivetran_marketo"
SYNCED, DELETED = "_fivetran_synced", "_fivetran_deleted"
_TYPES = {
    "int": "BIGINT",
    "flag": "BOOLEAN",
    "moment": "TIMESTAMP",
    "text": "VARCHAR",
}


@dataclass(frozen=True)
class LaidOut:
    """A column of the layout."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Layout:
    """A table of the layout: what its rows are, the columns that are always there, and what it is made of."""

    told: str
    columns: tuple[LaidOut, ...]
    sources: tuple[str, ...]
    """Tables of the published file, by their addresses below it."""


def _columns(told: str) -> tuple[LaidOut, ...]:
    """Return the columns *told* one a line: name, type, and after a colon what they hold."""
    found = []
    for line in filter(None, map(str.strip, told.splitlines())):
        head, _, comment = line.partition(": ")
        name, kind = head.split()
        found.append(LaidOut(name, _TYPES[kind], comment))
    return tuple(found)


_SYNCED = _columns(f"{SYNCED} moment: when Marketo was read")
_SYNCED_OR_DELETED = _columns(f"{DELETED} flag: whether it is known to be gone") + _SYNCED
ACTIVITY_HEAD = _columns(
    """
    id text: key of the activity (marketoGUID)
    lead_id int: the lead
    activity_date moment: when it happened, in UTC
    activity_type_id int: kind of activity, as the instance numbers them
    campaign_id int: the smart campaign that caused it
    primary_attribute_value_id int: number of what the activity is about
    primary_attribute_value text: name of what the activity is about
    """
)
ACTIVITY_TAIL = _columns("action_result text: succeeded, skipped or failed, where Marketo has told") + _SYNCED
_RUN = """
    campaign_run_id int: run of the campaign
    choice_number int: choice of the step
    """
_STEP = f"{_RUN}\nstep_id int: step of the campaign\ntest_variant int: variant of the test"
_EMAIL = "email_template_id int: the email, as primary_attribute_value_id has it"
_AGENT = "user_agent text: browser or mail program"
_DEVICE = f"{_AGENT}\ndevice text: device\nis_mobile_device flag: whether it is a mobile one\nplatform text: platform"
_BOUNCE = "category int: category\ndetails text: details\nemail text: address\nsubcategory int: subcategory"
_WEB = """
    client_ip_address text: address of the visitor
    form_fields text: what was filled in
    query_parameters text: query of the page
    referrer_url text: where the visitor came from
    webform_id int: the form
    webpage_id int: the page
    """
_CHANGE = """
    api_method_name text: method of the API that changed it
    modifying_user text: who changed it
    new_value text: the value after
    old_value text: the value before
    reason text: why
    request_id text: request that changed it
    source text: through which door
    """
_MERGE = """
    master_updated flag: whether the winner took values of the losers
    merge_ids text: ids of the losers, in brackets; lead_id is the winner
    merge_source text: where they were merged
    merged_in_sales flag: whether they were merged in the CRM too
    """


_DESCRIBE = (
    _columns(
        """
        id int: number of the field
        data_type text: Marketo's dataType, lower case
        display_name text: label in Marketo
        length int: most characters
        restname text: REST name
        restread_only flag: whether the API may not write it
        soapname text: nothing, the SOAP API is not read
        soapread_only flag: nothing, the SOAP API is not read
        """
    )
    + _SYNCED
)


def _activity(told: str, attributes: str, *sources: str) -> Layout:
    columns = (*ACTIVITY_HEAD, *_columns(attributes), *ACTIVITY_TAIL)
    return Layout(f"{told}, one row each.", columns, ("activities", *sources))


CHANGED, MERGED, GONE = "activity_change_data_value", "activity_merge_leads", "activity_delete_lead"
LAYOUT: dict[str, Layout] = {
    "lead": Layout(
        "Leads, one row each; those that are gone as they were read last. Every field that is copied has a column.",
        _columns("id int: Marketo's id\ncreated_at moment: when it was made\nupdated_at moment: when it was changed")
        + _SYNCED_OR_DELETED,
        ("leads", "deleted_leads"),
    ),
    "lead_describe": Layout(
        "Lead fields whose number is known, one row each; activities refer to it.", _DESCRIBE, ("lead_fields",)
    ),
    "lead_describe_snake_case": Layout(
        "Lead fields as lead_describe has them, but for restname, which is the column of lead: dbt_marketo follows "
        "fields of several words only so on DuckDB, if its variable marketo_lead_describe_identifier names this table.",
        _DESCRIBE,
        ("lead_fields",),
    ),
    "merged_lead": Layout(
        "Leads that were merged away, one row each.",
        _columns("merged_lead int: the lead that is no more\ninto_lead int: the lead at the end of all merges")
        + _SYNCED,
        ("deleted_leads",),
    ),
    "activity_send_email": _activity("Emails sent", f"{_EMAIL}\n{_STEP}"),
    "activity_email_delivered": _activity("Emails delivered", f"{_EMAIL}\n{_STEP}"),
    "activity_email_bounced": _activity("Emails bounced", f"{_EMAIL}\n{_STEP}\n{_BOUNCE}"),
    "activity_open_email": _activity("Emails opened", f"{_EMAIL}\n{_STEP}\n{_DEVICE}"),
    "activity_click_email": _activity(
        "Links clicked in emails", f"{_EMAIL}\n{_STEP}\n{_DEVICE}\nlink text: the link\nlink_id text: id of the link"
    ),
    "activity_unsubscribe_email": _activity(
        "Unsubscriptions", f"{_EMAIL}\n{_RUN}\ntest_variant int: variant of the test\n{_AGENT}\n{_WEB}"
    ),
    CHANGED: _activity("Changed values of leads", _CHANGE, "raw/lead_changes"),
    MERGED: _activity("Merges", _MERGE, "raw/lead_merges"),
    GONE: Layout(
        "Leads that are no more, one row each: deleted, merged away, or not found for a day.",
        (*ACTIVITY_HEAD, *_columns("campaign text: name of the campaign"), *ACTIVITY_TAIL),
        ("deleted_leads", "raw/lead_deletions"),
    ),
    "campaign": Layout(
        "Smart campaigns, one row each.",
        _columns(
            """
            id int: Marketo's id
            name text: name
            description text: description
            type text: batch or trigger
            active flag: whether it is active
            status text: status
            program_id int: the program it belongs to
            program_name text: name of that program
            workspace_name text: workspace
            created_at moment: when it was made
            updated_at moment: when Marketo says it was changed last
            computed_url text: address in Marketo's user interface
            flow_id int: its flow
            folder_id int: the folder or program it lies in
            folder_type text: whether that is a Folder or a Program
            is_communication_limit_enabled flag: whether it heeds the communication limits
            is_requestable flag: whether it can be started through the API
            is_system flag: whether Marketo made it for itself
            max_members int: the most leads it takes
            qualification_rule_type text: how often a lead may go through
            qualification_rule_interval int: of an interval, how many
            qualification_rule_unit text: of an interval, of what
            recurrence_start_at moment: when it first runs again
            recurrence_end_at moment: when it last runs again
            recurrence_interval_type text: unit of the interval
            recurrence_interval int: how many of them
            recurrence_weekday_only flag: whether on weekdays only
            recurrence_day_of_month int: day of the month
            recurrence_day_of_week text: days of the week
            recurrence_week_of_month int: week of the month
            smart_list_id int: its smart list
            """
        )
        + _SYNCED_OR_DELETED,
        ("smart_campaigns", "campaigns"),
    ),
    "program": Layout(
        "Programs, one row each.",
        _columns(
            """
            id int: Marketo's id
            name text: name
            description text: description
            type text: kind of program
            channel text: channel
            status text: status
            start_date moment: when an event begins
            end_date moment: when an event ends
            sfdc_id text: id of its Salesforce campaign
            sfdc_name text: name of its Salesforce campaign
            folder_id int: the folder it lies in
            folder_name text: name of that folder
            folder_type text: kind of that folder
            workspace text: workspace
            url text: address in Marketo's user interface
            created_at moment: when it was made
            updated_at moment: when Marketo says it was changed last
            """
        )
        + _SYNCED_OR_DELETED,
        ("programs",),
    ),
    "email_template_history": Layout(
        "Emails, one row for each updated_at that was read.",
        _columns(
            """
            id int: Marketo's id of the email
            updated_at moment: when Marketo says it was changed
            created_at moment: when it was made
            name text: name
            description text: description
            subject text: subject line
            from_name text: sender's name
            from_email text: sender's address
            reply_email text: address for replies
            status text: approved or draft
            template int: id of its email template
            version int: version of its template's format
            operational flag: whether unsubscribed leads get it too
            text_only flag: whether it has no HTML part
            web_view flag: whether it can be shown as a web page
            publish_to_msi flag: whether Sales Insight offers it
            program_id int: the program it lies in
            folder_type text: whether it lies in a Folder or a Program
            folder_value int: id of that
            folder_id int: nothing, Marketo tells the id as value
            folder_folder_name text: name of that
            workspace text: workspace
            url text: address in Marketo's user interface
            """
        )
        + _SYNCED,
        ("raw/reference_versions",),
    ),
}
"""By name: what the public package dbt_marketo reads, and two more. Every other kind of activity has a table too."""
