"""The table of each reference object: what its columns are, which member fills them, and what they mean."""

from __future__ import annotations

from marketo_assets.models.reference_columns import ReferenceTable, members

_NAMED = ("id int: Marketo's id", "name text: name", "description text: description")
_STAMPS = ("createdAt moment: when it was made", "updatedAt moment: when Marketo says it was changed last")
_IN = ("folder.type folder_type text: whether it lies in a Folder or a Program",)
_VALUE_FOLDER = (
    *_IN,
    "folder.value folder_id int: the folder or program it lies in",
    "folder.folderName folder_name text: name of that folder or program",
)
_ID_FOLDER = (*_IN, "folder.id folder_id int: the folder or program it lies in")
_WORKSPACE = "workspace text: workspace"
_URL = "url text: address in Marketo's user interface"
_STATUS = "status text: approved or draft; where there are both, the approved version is shown"
_TEXT_OR = "as it is shown: Text, or DynamicContent"
_NO_MORE = "Those that it has now: others are in raw.reference_versions"

TABLES: dict[str, ReferenceTable] = {
    "programs": ReferenceTable(
        "Programs",
        members(
            *_NAMED,
            "type text: kind of program, in Marketo's words",
            "channel text: channel, by name",
            "status text: on or off for engagement programs, locked or unlocked for email programs",
            "detail/startDate moment: when an event begins; known where program_tags or program_costs are copied",
            "detail/endDate moment: when an event ends; known as start_date is",
            "headStart flag: whether an email program begins to process before its time",
            "sfdcId text: id of its Salesforce campaign",
            "sfdcName text: name of its Salesforce campaign",
            *_VALUE_FOLDER,
            _WORKSPACE,
            _URL,
            *_STAMPS,
        ),
        detail="program_details",
    ),
    "program_tags": ReferenceTable(
        "Tags of programs",
        members(
            "owner/id program_id int: the program",
            "tagType text: the tag; see tags",
            "tagValue text: its value",
        ),
        "program_details",
        inside="$.tags",
        comment=_NO_MORE,
    ),
    "program_costs": ReferenceTable(
        "Costs of programs by period",
        members(
            "owner/id program_id int: the program",
            "startDate moment: the period",
            "cost money: what it cost, in the instance's currency",
            "note text: note",
        ),
        "program_details",
        inside="$.costs",
        comment=f"{_NO_MORE}; Marketo does not tell those of programs whose name has a comma",
    ),
    "smart_campaigns": ReferenceTable(
        "Smart campaigns",
        members(
            *_NAMED,
            "type text: batch, trigger or default",
            "status text: such as Active, Inactive, Never Run, Single Run, Recurring Run",
            "isSystem flag: whether Marketo made it for itself",
            "isActive flag: whether it is active",
            "isRequestable flag: whether it can be started through the API",
            "recurrence json: when it runs again",
            "qualificationRuleType text: how often a lead may go through: any, once, interval",
            "qualificationRuleInterval int: of an interval, how many",
            "qualificationRuleUnit text: of an interval, of what",
            "maxMembers int: the most leads it takes",
            "isCommunicationLimitEnabled flag: whether it heeds the communication limits",
            "smartListId int: its smart list",
            "flowId int: its flow",
            "parentProgramId int: the program it belongs to",
            *_ID_FOLDER,
            _WORKSPACE,
            "computedUrl text: address in Marketo's user interface",
            *_STAMPS,
        ),
    ),
    "campaigns": ReferenceTable(
        "Smart campaigns as the lead database knows them, with their program by id and name",
        members(
            *_NAMED,
            "type text: batch or trigger",
            "active flag: whether it is active",
            "programId int: the program it belongs to",
            "programName text: name of that program",
            "workspaceName text: workspace",
            *_STAMPS,
        ),
    ),
    "emails": ReferenceTable(
        "Emails",
        members(
            *_NAMED,
            "subject.value subject text: subject line",
            f"subject.type subject_type text: how the subject line is told, {_TEXT_OR}",
            "fromName.value from_name text: sender's name",
            f"fromName.type from_name_type text: {_TEXT_OR}",
            "fromEmail.value from_email text: sender's address",
            f"fromEmail.type from_email_type text: {_TEXT_OR}",
            "replyEmail.value reply_email text: address for replies",
            f"replyEmail.type reply_email_type text: {_TEXT_OR}",
            "preHeader text: preview text",
            _STATUS,
            "template int: id of its email template",
            "version int: version of its template's format",
            "operational flag: whether it is operational, so that unsubscribed leads get it too",
            "textOnly flag: whether it has no HTML part",
            "webView flag: whether it can be shown as a web page",
            "publishToMSI flag: whether Sales Insight offers it",
            "autoCopyToText flag: whether its text part follows its HTML part",
            "isOpenTrackingDisabled flag: whether opens are not tracked",
            "ccFields json: lead fields whose addresses get a copy",
            *_VALUE_FOLDER,
            _WORKSPACE,
            _URL,
            *_STAMPS,
        ),
        comment="Emails of A/B tests are told by no endpoint, and those of the new designer may lack members",
    ),
    "email_templates": ReferenceTable(
        "Email templates",
        members(
            *_NAMED,
            _STATUS,
            "version int: version of the template's format",
            *_VALUE_FOLDER,
            _WORKSPACE,
            _URL,
            *_STAMPS,
        ),
    ),
    "static_lists": ReferenceTable(
        "Static lists",
        members(*_NAMED, *_ID_FOLDER, _WORKSPACE, _URL, "computedUrl text: address of the list", *_STAMPS),
    ),
    "smart_lists": ReferenceTable(
        "Smart lists that somebody made",
        members(*_NAMED, *_ID_FOLDER, _WORKSPACE, _URL, *_STAMPS),
    ),
    "forms": ReferenceTable(
        "Forms",
        members(
            *_NAMED,
            _STATUS,
            "theme text: theme",
            "language text: language of its labels",
            "locale text: locale",
            "progressiveProfiling flag: whether it asks for something else each time",
            "labelPosition text: where labels stand",
            "fontFamily text: font",
            "fontSize text: size of the font",
            "buttonLabel text: label of its button",
            "buttonLocation int: place of its button",
            "waitingLabel text: label of the button while it is sent",
            "knownVisitor json: what known visitors see",
            "thankYouList json: what follows",
            *_VALUE_FOLDER,
            _URL,
            *_STAMPS,
        ),
    ),
    "landing_pages": ReferenceTable(
        "Landing pages",
        members(
            *_NAMED,
            "title text: title",
            "URL text: public address",
            "computedUrl text: address in Marketo's user interface",
            _STATUS,
            "template int: id of its template",
            "robots text: what search engines are told",
            "keywords text: keywords",
            "customHeadHTML text: what was added to its head",
            "facebookOgTags text: Open Graph tags",
            "formPrefill flag: whether forms on it are filled in beforehand",
            "mobileEnabled flag: whether it has a mobile version",
            *_VALUE_FOLDER,
            _WORKSPACE,
            *_STAMPS,
        ),
        comment="created_at was the time of approval before July 2020",
    ),
    "landing_page_templates": ReferenceTable(
        "Landing page templates",
        members(
            *_NAMED,
            _STATUS,
            "templateType text: guided or freeForm",
            "enableMunchkin flag: whether visits are tracked",
            *_VALUE_FOLDER,
            _WORKSPACE,
            _URL,
            *_STAMPS,
        ),
    ),
    "channels": ReferenceTable(
        "Channels of programs",
        members(
            "id int: Marketo's id",
            "name text: name",
            "applicableProgramType text: kind of program that it is for",
            *_STAMPS,
        ),
    ),
    "channel_statuses": ReferenceTable(
        "Statuses that members of a program can have, by channel",
        members(
            "owner/id channel_id int: the channel",
            "owner/name channel_name text: name of the channel",
            "name text: name of the status, as program members tell it",
            "step int: how far along it is",
            "success flag: whether it counts as success",
            "hidden flag: whether it is hidden",
            "type text: kind of status",
            "description text: description",
        ),
        "channels",
        inside="$.progressionStatuses",
        comment=f"{_NO_MORE}, and members may still have them",
    ),
    "tags": ReferenceTable(
        "Tags that programs can have",
        members(
            "tagType text: the tag, by name",
            "applicableProgramTypes text: kinds of program that it is for, as Marketo writes them: `[program, event]`",
            "required flag: whether every such program must have it",
            "detail/allowableValues text: its values, as Marketo writes them: `[A, B]`; commas inside are ambiguous",
        ),
        detail="tag_details",
    ),
    "folders": ReferenceTable(
        "Folders",
        members(
            "folderId.id id int: Marketo's id; folders and programs count separately, so the key is type and id",
            "key/type text: Folder or Program",
            "name text: name",
            "description text: description",
            "path text: the names from the top down to it",
            "folderType folder_type text: kind of folder, in Marketo's words",
            "parent.id parent_id int: the folder above",
            "parent.type parent_type text: whether that is a Folder or a Program",
            "isArchive flag: whether it is archived",
            "isSystem flag: whether Marketo made it for itself",
            "accessZoneId int: number of the workspace",
            _WORKSPACE,
            _URL,
            *_STAMPS,
        ),
    ),
    "segmentations": ReferenceTable(
        "Segmentations", members(*_NAMED, _STATUS, *_VALUE_FOLDER, _WORKSPACE, _URL, *_STAMPS)
    ),
    "segments": ReferenceTable(
        "Segments of segmentations",
        members(
            "id int: Marketo's id",
            "name text: name",
            "description text: description",
            "segmentationId int: the segmentation",
            _URL,
            *_STAMPS,
        ),
        inside="$",
        is_ever=True,
    ),
    "lead_partitions": ReferenceTable("Lead partitions", members(*_NAMED)),
}
"""By name."""
