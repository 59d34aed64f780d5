//! The rows of the protocol's codes.

use super::Failure;
use crate::preset::Preset;

/// What can be wrong with a body.
pub(super) const BODIES: &[Failure] = &[
    Failure {
        code: "body-too-large",
        cause: "The body is larger than this endpoint takes.",
        remedy: "Send the change in smaller pieces, for example members in several PATCH requests.",
        hints: &[
            (
                Preset::Okta,
                "Push the group in parts: split it under Push Groups, or leave out the groups nobody needs here.",
            ),
            (Preset::Jumpcloud, "Split the user group that is bound to the application into smaller ones."),
        ],
        more: "An ordinary body may have 1 MiB, one to /Groups 16 MiB, one to /Bulk 8 MiB. The answer names the \
               limit that applied. Nothing of the request was carried out.",
    },
    Failure {
        code: "duplicate-key",
        cause: "A JSON object in the body names one attribute twice, perhaps in different letter case.",
        remedy: "Send each attribute once.",
        hints: &[
            (Preset::Entra, "Under Attribute mapping, remove one of the two mappings with the same target attribute."),
            (
                Preset::Okta,
                "In the Profile Editor of the application, remove one of the two attributes with the same external \
                 name.",
            ),
            (
                Preset::Onelogin,
                "Remove the repeated key from the SCIM JSON Template on the Configuration page of the application.",
            ),
        ],
        more: "Attribute names know no letter case (RFC 7643 section 2.1), so userName and UserName are one \
               attribute said twice. Which of the two values holds would be a guess, and a guess about access is \
               refused.",
    },
    Failure {
        code: "json-syntax",
        cause: "The body is not one JSON object in UTF-8.",
        remedy: "Send well-formed JSON; the answer names the place where reading stopped.",
        hints: &[(
            Preset::Onelogin,
            "Correct the SCIM JSON Template on the Configuration page of the application: look for a missing \
                 comma, quote or bracket, and for values that hold quotes themselves.",
        )],
        more: "Refused are text that is no JSON, bytes that are no UTF-8, unpaired surrogates, NaN, raw control \
               characters within strings, anything behind the object, and a body that is missing where one belongs. \
               A client that builds JSON by gluing strings together fails on the first name with a quote in it. Such \
               a body is not kept: the journal holds its length and digest only.",
    },
    Failure {
        code: "json-too-deep",
        cause: "The JSON of the body is nested deeper than 32 levels.",
        remedy: "Send the resource without the deeply nested values; no SCIM attribute needs more than a few levels.",
        hints: &[],
        more: "SCIM attributes nest twice at most (RFC 7643 section 2.3.8). The limit leaves room for bulk requests \
               and protects the server from bodies made to exhaust it.",
    },
    Failure {
        code: "message-schema",
        cause: "The message does not carry the schema URN of its kind in `schemas`.",
        remedy: "Put the URN that the answer names into `schemas`.",
        hints: &[],
        more: "A PATCH carries urn:ietf:params:scim:api:messages:2.0:PatchOp, a search \
               urn:ietf:params:scim:api:messages:2.0:SearchRequest, a bulk request \
               urn:ietf:params:scim:api:messages:2.0:BulkRequest (RFC 7644 section 3.1). Without it the server could \
               not tell a message from a resource.",
    },
    Failure {
        code: "primary-twice",
        cause: "More than one value of an attribute is marked as primary.",
        remedy: "Mark at most one value of each attribute with `primary`: true.",
        hints: &[
            (
                Preset::Entra,
                "Under Attribute mapping, let only one of the mappings to emails, phoneNumbers or addresses set \
                 primary.",
            ),
            (Preset::Onelogin, "In the SCIM JSON Template, leave \"primary\": true at one value of each list only."),
        ],
        more: "RFC 7643 section 2.4 allows one primary value per attribute. Which one counts decides where mail \
               goes, so the server does not choose. In a PATCH, a new primary value takes the mark from the old one.",
    },
    Failure {
        code: "required-missing",
        cause: "A required attribute is missing or blank.",
        remedy: "Send a value for the attribute that the answer names; a User needs userName, a Group needs \
                 displayName.",
        hints: &[
            (
                Preset::Entra,
                "Under Attribute mapping, map an attribute that every assigned user has, or give the mapping a \
                 default value if null.",
            ),
            (Preset::Okta, "Open the assignment of the user and fill the field, or correct the mapping under To App."),
            (
                Preset::Google,
                "Fill the field in the user's profile, or correct the attribute mapping under Autoprovisioning.",
            ),
            (
                Preset::Onelogin,
                "Fill the parameter that the SCIM JSON Template uses, or take another one that every user has.",
            ),
        ],
        more: "null, an empty list and an absent attribute are the same (RFC 7643 section 2.5). A PUT replaces the \
               whole resource, so it needs the required attributes too.",
    },
    Failure {
        code: "schemas-invalid",
        cause: "`schemas` is missing, empty, not a list, or does not name the schema of this kind of resource.",
        remedy: "Send `schemas` with urn:ietf:params:scim:schemas:core:2.0:User for a User, or ...:Group for a Group.",
        hints: &[(
            Preset::Onelogin,
            "In the SCIM JSON Template, set \"schemas\" to [\"urn:ietf:params:scim:schemas:core:2.0:User\"].",
        )],
        more: "RFC 7643 section 3 requires the list. The URNs of SCIM 1 and some short forms are understood where \
               the quirk scim1-urns is on, and further URNs that are unknown are left out where unknown-attributes \
               is on; but one that says what the resource is has to be there.",
    },
    Failure {
        code: "unknown-attribute",
        cause: "The body holds an attribute that no schema of this server has, and the integration is strict.",
        remedy: "Leave the attribute out, add its schema with `serve --schema`, or switch the quirk \
                 unknown-attributes on.",
        hints: &[],
        more: "Integrations of every preset but strict leave unknown attributes out, carry on, and note it in the \
               journal. /Schemas lists what the server knows.",
    },
    Failure {
        code: "unsupported-media-type",
        cause: "The body is not announced as JSON, or it is compressed.",
        remedy: "Send Content-Type application/scim+json or application/json, and no Content-Encoding.",
        hints: &[],
        more: "RFC 7644 section 8.1 registers application/scim+json; application/json is taken too, both with a \
               charset if it is utf-8. Compressed bodies are refused because a small one can unpack to anything.",
    },
    Failure {
        code: "value-invalid",
        cause: "A value has the wrong type or form.",
        remedy: "Send the value as the answer says, which names the place: /Schemas gives the types of SCIM attributes, \
                 /api/v1/openapi.json those of the API.",
        hints: &[
            (
                Preset::Entra,
                "Under Attribute mapping, wrap the source in an expression that gives the right type, such as CBool \
                 or CStr, or map another attribute.",
            ),
            (
                Preset::Okta,
                "In the Profile Editor of the application, give the attribute the data type that /Schemas names.",
            ),
            (
                Preset::Onelogin,
                "In the SCIM JSON Template, write booleans and numbers without quotes and put lists into [ ].",
            ),
        ],
        more: "Where the matching quirks are on, \"True\" and \"False\" are read as booleans and numbers as strings. \
               Nothing else is converted: a value that is stored differently from what was sent would come back as a \
               difference in every cycle of the provider.",
    },
];

/// What can be wrong with a query.
pub(super) const QUERIES: &[Failure] = &[
    Failure {
        code: "attributes-both-ways",
        cause: "Both `attributes` and `excludedAttributes` were given.",
        remedy: "Give one of them.",
        hints: &[],
        more: "RFC 7644 section 3.9 makes them exclude each other: one says what to return, the other what to leave \
               out of the usual answer.",
    },
    Failure {
        code: "cursor-expired",
        cause: "The cursor is older than the server keeps one.",
        remedy: "Begin the query again without a cursor.",
        hints: &[],
        more: "ServiceProviderConfig announces under pagination.cursorTimeout how long a cursor is good for (RFC \
               9865). A client that works on each page for long should read all pages first.",
    },
    Failure {
        code: "cursor-invalid",
        cause: "The cursor is damaged, or belongs to another query or another caller.",
        remedy: "Pass nextCursor back unchanged, with the same filter, sorting and count, or begin again without a \
                 cursor.",
        hints: &[],
        more: "A cursor says where in one particular query the next page begins (RFC 9865). With another filter or \
               order that place means nothing, so it is refused instead of giving a wrong page.",
    },
    Failure {
        code: "discovery-filter",
        cause: "A filter was sent to /Schemas or /ResourceTypes.",
        remedy: "Ask without a filter; the answer is short.",
        hints: &[],
        more: "RFC 7644 section 4 asks servers to refuse it with 403, so that no client takes an unfiltered answer \
               for a filtered one.",
    },
    Failure {
        code: "filter-comparison",
        cause: "The filter compares an attribute in a way its type does not allow.",
        remedy: "Compare strings with strings, booleans with true or false by eq or ne, and times with an RFC 3339 \
                 time.",
        hints: &[(Preset::Ping, "Choose a filter expression on userName or externalId.")],
        more: "The order operators do not exist for booleans and binary values, and co, sw and ew only for text. A \
               complex attribute is compared through its `value`; one without it needs the sub-attribute in the \
               name, as in name.familyName (RFC 7644 section 3.4.2.2).",
    },
    Failure {
        code: "filter-syntax",
        cause: "The filter does not follow the grammar.",
        remedy: "Write it as `userName eq \"bjensen\"`: attribute, operator, and the value as JSON; escape quotes \
                 within it.",
        hints: &[
            (
                Preset::Entra,
                "Choose a matching attribute whose values hold no quotes or backslashes, such as objectId mapped to \
                 externalId.",
            ),
            (
                Preset::Ping,
                "Correct the filter expression in the settings of the outbound connection; values stand in double \
                 quotes.",
            ),
        ],
        more: "The grammar is figure 1 of RFC 7644. Strings stand in double quotes, never in single ones. Where the \
               quirk unquoted-filter is on, one bare word after eq is read as a string. The answer names the \
               position at which reading stopped.",
    },
    Failure {
        code: "filter-too-complex",
        cause: "The filter is longer, deeper or has more comparisons than the server takes.",
        remedy: "Ask in several requests, each for a part of the values.",
        hints: &[],
        more: "A filter may have 8 KiB, 20 levels of brackets and 200 comparisons. A long list of ids is better \
               asked for in pages, or one by one: a look-up by id is the cheapest call there is.",
    },
    Failure {
        code: "filter-unknown-attribute",
        cause: "The filter names an attribute that no schema has, or one that may not be asked for.",
        remedy: "Filter on an attribute that /Schemas lists for this resource type; the full URN form always works.",
        hints: &[
            (
                Preset::Entra,
                "Under Attribute mapping, set Matching precedence on userName, externalId or emails[type eq \
                 \"work\"].value.",
            ),
            (
                Preset::Okta,
                "On the Provisioning page of the application, set the unique identifier field for users to userName.",
            ),
        ],
        more: "password cannot be filtered or sorted by: the answer would tell something about it (RFC 7643 section \
               7). Attributes of the enterprise extension are found by their short name and by their URN.",
    },
    Failure {
        code: "paging-invalid",
        cause: "`startIndex` or `count` is not a whole number.",
        remedy: "Send whole numbers; a count above the maximum is lowered to it and is no error.",
        hints: &[],
        more: "startIndex counts from 1, smaller values mean 1, a negative count means 0 (RFC 7644 section 3.4.2.4). \
               The largest page has 1,000 resources.",
    },
    Failure {
        code: "parameter-invalid",
        cause: "A query parameter is given twice, is malformed, or has a value that it does not know.",
        remedy: "Give each parameter once, encoded as in a form; sortOrder is ascending or descending.",
        hints: &[],
        more: "Two filter parameters would leave open which one holds. Parameters that SCIM does not know are \
               ignored, so a flag in the base URL, such as aadOptscim062020, does no harm.",
    },
    Failure {
        code: "sort-invalid",
        cause: "`sortBy` names nothing that resources can be sorted by.",
        remedy: "Sort by a simple attribute, a sub-attribute such as name.familyName, or a list that has a `value`.",
        hints: &[],
        more: "Lists are sorted by their primary value, or their first (RFC 7644 section 3.4.2.3). Resources without \
               a value come last in ascending order.",
    },
    Failure {
        code: "too-many",
        cause: "The query would read more than the server spends on one request.",
        remedy: "Narrow the filter, or page through the unfiltered list.",
        hints: &[],
        more: "Look-ups with eq on id, userName, externalId, a group's displayName and e-mail addresses use an index \
               and never meet this limit. Other filters read every resource of the integration, within a budget of \
               time (RFC 7644 section 3.4.2.1).",
    },
    Failure {
        code: "version-unsupported",
        cause: "The address asks for another version of the protocol.",
        remedy: "Use the base address that ends in /scim/v2.",
        hints: &[
            (Preset::Entra, "Set Tenant URL to the address that `integration create` printed; it ends in /scim/v2."),
            (
                Preset::Okta,
                "Set the SCIM connector base URL to the address that `integration create` printed, and SCIM 2.0 as \
                 version.",
            ),
            (
                Preset::Onelogin,
                "Choose the SCIM Provisioner for SCIM 2.0 and set SCIM Base URL to the address that `integration \
                 create` printed.",
            ),
            (
                Preset::Ping,
                "Choose SCIM version 2.0 for the connection, and the address that `integration create` printed.",
            ),
        ],
        more: "The server speaks SCIM 2.0 (RFC 7644 section 3.13). SCIM 1.1 has other schemas and another PATCH, so \
               its requests cannot be carried out faithfully.",
    },
];

/// What can be wrong with a change.
pub(super) const CHANGES: &[Failure] = &[
    Failure {
        code: "bulk-operation-invalid",
        cause: "An operation of the bulk request is malformed.",
        remedy: "Give each operation a method (POST, PUT, PATCH, DELETE), a path such as /Users or /Users/{id}, and \
                 data; a POST needs a bulkId of its own.",
        hints: &[],
        more: "RFC 7644 section 3.7. GET, /Bulk within /Bulk, absolute addresses and paths with dots are refused. \
               The other operations are carried out unless failOnErrors says to stop.",
    },
    Failure {
        code: "bulk-reference-cycle",
        cause: "Operations of the bulk request refer to each other in a circle that cannot be resolved.",
        remedy: "Create the resources first and connect them with a PATCH in the same or a later request.",
        hints: &[],
        more: "Circles through members of new groups and managers of new users are resolved, because their ids can \
               be given beforehand (RFC 7644 section 3.7.1). What is left are circles through ids in paths.",
    },
    Failure {
        code: "bulk-reference-unknown",
        cause: "A bulkId reference names no operation of the request, or one that failed.",
        remedy: "Correct the reference, or first the operation that it names.",
        hints: &[],
        more: "bulkId:x stands for the id of the resource that the POST with bulkId x creates (RFC 7644 section \
               3.7.2). If that one fails, whoever needs it fails too; its own entry in the answer says why.",
    },
    Failure {
        code: "bulk-too-many-operations",
        cause: "The bulk request has more than 1,000 operations.",
        remedy: "Split it; ServiceProviderConfig announces the limit as bulk.maxOperations.",
        hints: &[],
        more: "RFC 7644 section 3.7.4. Nothing of the request was carried out.",
    },
    Failure {
        code: "immutable-attribute",
        cause: "The attribute was set when the resource was created and cannot take another value.",
        remedy: "Leave the attribute as it is; to change it, delete the resource and create it anew.",
        hints: &[(Preset::Entra, "Under Attribute mapping, set Apply this mapping to Only during object creation.")],
        more: "RFC 7643 section 7, mutability immutable. Sending the value that is stored is fine.",
    },
    Failure {
        code: "member-unknown",
        cause: "A member names no User or Group of this integration, so the whole request was refused.",
        remedy: "Provision the member first and use the id that its creation answered.",
        hints: &[
            (
                Preset::Entra,
                "Assign the member to the enterprise application as well and look up why it was not created; Restart \
                 provisioning makes Entra forget ids of resources that were deleted here.",
            ),
            (
                Preset::Okta,
                "Assign the members of a pushed group to the application too, with a group other than the pushed \
                 one, and push again once they are provisioned.",
            ),
            (Preset::Google, "Put the member into the scope of Autoprovisioning."),
            (
                Preset::Jumpcloud,
                "Bind the user group that holds the member to the application, and activate provisioning again.",
            ),
        ],
        more: "A reference to nobody would either be lost or be waiting for whoever gets the id, so it is refused. \
               Ids of another integration are unknown here, too. A resource that was deleted here and is still known \
               to the provider is the usual cause. Removing a member that is not there succeeds.",
    },
    Failure {
        code: "patch-no-target",
        cause: "The PATCH path selects by a filter, and nothing matches it; or a remove names no path.",
        remedy: "Add the value first, or name the place to be removed.",
        hints: &[],
        more: "RFC 7644 section 3.5.2. Where the quirk filter-creates is on, an add or replace whose filter consists \
               of eq comparisons creates the value, as Entra ID expects: emails[type eq \"work\"].value makes a work \
               address. Removing an attribute or a member that is not there succeeds.",
    },
    Failure {
        code: "patch-operation-invalid",
        cause: "An operation of the PATCH is malformed, or there are more than 2,000.",
        remedy: "Give each operation an op (add, replace, remove) and, for add and replace, a value; split long lists.",
        hints: &[],
        more: "RFC 7644 section 3.5.2. All operations of a PATCH are carried out, or none. Many members belong into \
               the value of one operation.",
    },
    Failure {
        code: "path-invalid",
        cause: "The PATCH path is malformed or names an attribute that no schema has.",
        remedy: "Name an attribute that /Schemas lists, as name.familyName, emails[type eq \"work\"].value, or with \
                 its full URN.",
        hints: &[
            (
                Preset::Entra,
                "Under Attribute mapping, show advanced options, edit the attribute list for the application, and \
                 correct or remove the target attribute.",
            ),
            (
                Preset::Okta,
                "In the Profile Editor of the application, correct the external name and external namespace of the \
                 attribute.",
            ),
        ],
        more: "RFC 7644 section 3.5.2. An unknown name in a path is refused, unlike one in a body: the operation has \
               no other effect, and success would hide that. Extension attributes need their URN and a colon before \
               the name. JSON pointers and list indexes are not SCIM.",
    },
    Failure {
        code: "precondition-failed",
        cause: "The resource has changed since the version that If-Match names.",
        remedy: "Read the resource again, decide again, and send the change with the new ETag.",
        hints: &[],
        more: "RFC 7644 section 3.14. The ETag of a Group changes with its members, that of a User also with what \
               the person belongs to. An ETag of another resource never matches.",
    },
    Failure {
        code: "read-only-attribute",
        cause: "The PATCH path names an attribute that only the server sets.",
        remedy: "Leave it out; to change a User's groups, change the members of the groups.",
        hints: &[(Preset::Entra, "Under Attribute mapping, remove the mapping to this target attribute.")],
        more: "id, meta, groups and the display name of a manager are such attributes (RFC 7643 section 7). In a \
               body they are ignored, as the RFC asks; by path they are refused, because nothing would be left of \
               the operation.",
    },
    Failure {
        code: "required-removed",
        cause: "The PATCH would remove a required attribute.",
        remedy: "Replace it by another value; to end access, set active to false or delete the resource.",
        hints: &[],
        more: "RFC 7644 section 3.5.2.2. A User keeps a userName and a Group a displayName for as long as they \
               exist. null as a value means the same as a removal.",
    },
    Failure {
        code: "uniqueness",
        cause: "Another resource of this integration has the value already, or one that looks like it.",
        remedy: "Look the resource up and update it, or choose another value.",
        hints: &[
            (
                Preset::Entra,
                "Check that the matching attribute finds the user: with userName as matching attribute Entra updates \
                 instead of creating, and Restart provisioning makes it look again.",
            ),
            (
                Preset::Okta,
                "Two Okta users have the same application username, or one differs only in letter case: correct the \
                 username of one assignment, then retry the task.",
            ),
            (
                Preset::Onelogin,
                "Two OneLogin users give the same userName: choose another parameter for it in the SCIM JSON \
                 Template.",
            ),
        ],
        more: "userName is unique within an integration, regardless of letter case and of forms that look the same: \
               fullwidth letters, ligatures, ß and ss. The name of a deleted User is free at once; that of a \
               deactivated one is not. A client that repeats a POST because the answer was lost finds the resource \
               by its userName or externalId.",
    },
];
