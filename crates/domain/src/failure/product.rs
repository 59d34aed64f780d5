//! The rows of the product's own codes, and of those codes of the protocol that are about access and transport.

use super::Failure;
use crate::preset::Preset;

/// What can be wrong with names and persons.
pub(super) const NAMES: &[Failure] = &[
    Failure {
        code: "email-required-user-name",
        cause: "This integration insists on a userName that is an e-mail address, and the one that was sent is none.",
        remedy: "Send the e-mail address as userName, or lift the rule for this integration.",
        hints: &[
            (
                Preset::Entra,
                "Entra sends mailNickname as userName; map userPrincipalName or mail to userName under Attribute \
                 mapping.",
            ),
            (
                Preset::Okta,
                "On the Sign On page of the application, set Application username format to Okta username or Email.",
            ),
            (Preset::Google, "Under Autoprovisioning, map Basic information > Primary email to userName."),
            (
                Preset::Onelogin,
                "In the SCIM JSON Template, set \"userName\" to \"{$parameters.scimusername}\" and give that \
                 parameter the value Email.",
            ),
            (
                Preset::Jumpcloud,
                "Map the JumpCloud attribute email to userName in the attribute mapping of the application.",
            ),
            (Preset::Ping, "Map the directory's mail attribute to userName in the attribute mapping of the channel."),
        ],
        more: "The rule is for companies that sign people in by e-mail address: a userName of another form would \
               give somebody an identity nobody can sign in with. An address has one @, something before it, and a \
               domain with a dot after it. Whether mail arrives there is not checked.",
    },
    Failure {
        code: "group-name-form",
        cause: "The displayName of the group is empty or holds the character NUL.",
        remedy: "Give the group a name; every character but NUL is kept as it is.",
        hints: &[],
        more: "Group names are stored byte for byte and need not be unique: two groups of one name are told apart by \
               id and externalId.",
    },
    Failure {
        code: "last-admin",
        cause: "The change would leave no active administrator.",
        remedy: "Make another person administrator first, or create one on the host with `bailiwick admin create`.",
        hints: &[],
        more: "Nothing can remove the last active administrator: no directory, no command, and no two requests at \
               the same moment. An administrator that lives outside SCIM, made with `bailiwick admin create`, keeps \
               the way in open when a directory is down or does wrong.",
    },
    Failure {
        code: "local-person",
        cause: "A person who signs in by themselves, was invited or holds a role by hand has this userName or e-mail \
                address.",
        remedy: "Approve the pair with `bailiwick conflict link`, or decide that they are two with `bailiwick \
                 conflict keep`; then let the provider try again.",
        hints: &[
            (
                Preset::Entra,
                "Approve the pair with `bailiwick conflict link`; Entra tries again in its next cycle, or at once \
                 with Provision on demand.",
            ),
            (
                Preset::Okta,
                "Approve the pair with `bailiwick conflict link`, then retry the task under Dashboard > Tasks.",
            ),
            (
                Preset::Onelogin,
                "Approve the pair with `bailiwick conflict link`, then retry the event on the Users page of the \
                 application.",
            ),
        ],
        more: "A directory must not be able to take over somebody's rights by naming them, so nobody is adopted \
               silently. The pair waits in `bailiwick conflict list`. Once it is approved, the next attempt of the \
               provider attaches its User to the person, who keeps everything they have. Once it is kept, the next \
               attempt stores a User with a person of its own. People who are known only \
               through another directory are no reason to refuse: both are stored, and the pair is queued for \
               review.",
    },
    Failure {
        code: "user-name-form",
        cause: "The userName is blank, begins or ends with white space, or holds a character that cannot be seen.",
        remedy: "Correct the name at its source: look for pasted spaces, line breaks, zero-width characters and \
                 marks that turn the direction of text.",
        hints: &[
            (
                Preset::Entra,
                "Correct the user in Entra, or wrap the source in StripSpaces or Replace under Attribute mapping.",
            ),
            (
                Preset::Okta,
                "Correct the user's login in Okta, or set Application username format to Custom with \
                 String.removeSpaces.",
            ),
        ],
        more: "Two names that look the same must not be two people. Refused are control characters, line breaks, \
               bidirectional controls, zero-width and other invisible characters, and code points that are no \
               characters. Inner spaces, punctuation and letters of every script are fine, and a name is returned \
               exactly as it was sent.",
    },
];

/// What can be wrong with a caller, or with the address it calls.
pub(super) const ACCESS: &[Failure] = &[
    Failure {
        code: "integration-paused",
        cause: "The integration is paused, so nothing was done.",
        remedy: "Resume it with `bailiwick integration resume NAME`.",
        hints: &[
            (
                Preset::Entra,
                "Resume it with `bailiwick integration resume NAME`, then Start provisioning; Entra may have put the \
                 job into quarantine meanwhile.",
            ),
            (
                Preset::Okta,
                "Resume it with `bailiwick integration resume NAME`, then retry the failed tasks under Dashboard > \
                 Tasks.",
            ),
        ],
        more: "A pause keeps the tokens and everything that was provisioned, and refuses every call. It is meant for \
               the hour in which a directory does wrong. Pause the provider too if it may last longer: most of them \
               count failures and slow down.",
    },
    Failure {
        code: "method-not-allowed",
        cause: "This address does not offer the method.",
        remedy: "Use one of the methods that the Allow header of the answer names.",
        hints: &[],
        more: "A list takes GET and POST, a resource GET, PUT, PATCH and DELETE, discovery only GET. A PUT or PATCH \
               without an id in the address is the usual mistake.",
    },
    Failure {
        code: "not-found",
        cause: "There is no such resource, or no such address.",
        remedy: "Look it up and use the id of the answer: a SCIM resource by userName or externalId, everything else \
                 by its list; if it was deleted here, create it again.",
        hints: &[
            (
                Preset::Entra,
                "Entra still knows the id of a resource that was deleted here: use Restart provisioning to make it \
                 look up and create again, and check that Tenant URL ends in /scim/v2.",
            ),
            (
                Preset::Okta,
                "Okta still knows the id of a resource that was deleted here: remove and assign the user again, or \
                 unlink and push the group again.",
            ),
            (
                Preset::Onelogin,
                "Remove the user's access to the application and grant it again; OneLogin still knows the old id.",
            ),
            (
                Preset::Jumpcloud,
                "Remove the user from the bound group and add them again; JumpCloud still knows the old id.",
            ),
        ],
        more: "Some providers look for a resource that cannot exist to test the connection, such as /Users/0; that \
               is no failure of theirs. A resource of another integration answers exactly like one that does not \
               exist. Deactivated people are still there; only DELETE makes them unknown.",
    },
    Failure {
        code: "rate-limited",
        cause: "The token made more calls than its integration may, so nothing was done.",
        remedy: "Wait as long as Retry-After says; if this is ordinary work, give the integration a higher limit.",
        hints: &[
            (
                Preset::Entra,
                "Give the integration a higher limit or none: Entra asks for at least 25 requests a second and \
                 counts refusals towards quarantine.",
            ),
            (
                Preset::Okta,
                "Nothing need be done: Okta waits as Retry-After says and carries on; a full import may go faster \
                 with a higher limit.",
            ),
        ],
        more: "The usual limit is 1,000 calls a second with a burst of 5,000, counted per token, so that one \
               directory cannot starve another. It can be set or switched off per integration. A refused call has \
               changed nothing and may simply be repeated.",
    },
    Failure {
        code: "token-expired",
        cause: "The token has expired.",
        remedy: "Make a new one with `bailiwick token rotate --integration NAME` and enter it at the provider; one for \
                 /api/v1 with `bailiwick api-token create`.",
        hints: &[
            (
                Preset::Entra,
                "Make a new one with `bailiwick token rotate --integration NAME`, enter it as Secret Token under \
                 Admin Credentials, press Test Connection, and Start provisioning if Entra is in quarantine.",
            ),
            (
                Preset::Okta,
                "Make a new one with `bailiwick token rotate --integration NAME`, enter it on the Integration page \
                 under Provisioning, and retry the failed tasks.",
            ),
            (
                Preset::Google,
                "Make a new one with `bailiwick token rotate --integration NAME` and enter it under Autoprovisioning \
                 as access token.",
            ),
            (
                Preset::Onelogin,
                "Make a new one with `bailiwick token rotate --integration NAME` and enter it as SCIM Bearer Token \
                 on the Configuration page.",
            ),
            (
                Preset::Jumpcloud,
                "Make a new one with `bailiwick token rotate --integration NAME` and enter it as Token Key under \
                 Identity Management.",
            ),
            (
                Preset::Ping,
                "Make a new one with `bailiwick token rotate --integration NAME` and enter it as bearer token of the \
                 connection.",
            ),
        ],
        more: "Several tokens of an integration may be live at once, so a new one can be entered before the old one \
               ends. `bailiwick token list` shows when each one expires and when it was last used.",
    },
    Failure {
        code: "token-malformed",
        cause: "The Authorization header does not hold a bearer token of this server.",
        remedy: "Send `Authorization: Bearer` and the whole token as it was printed.",
        hints: &[
            (
                Preset::Entra,
                "Paste the whole token into Secret Token, without the word Bearer and without line breaks.",
            ),
            (
                Preset::Okta,
                "Choose HTTP Header as authentication mode and paste the whole token, without the word Bearer.",
            ),
            (Preset::Onelogin, "Paste the whole token into SCIM Bearer Token, without the word Bearer."),
            (Preset::Jumpcloud, "Paste the whole token into Token Key, without the word Bearer."),
            (Preset::Ping, "Choose a bearer token as authentication method; basic authentication is not offered."),
        ],
        more: "A token has 53 characters and ends in a checksum, so one that was cut off or mistyped is told from \
               one that is unknown. Basic authentication and tokens in the address are never read.",
    },
    Failure {
        code: "token-missing",
        cause: "The call carries no Authorization header.",
        remedy: "Send `Authorization: Bearer` and a token: for /scim/v2 the one that `bailiwick integration create` \
                 printed, for /api/v1 one of `bailiwick api-token create`.",
        hints: &[
            (
                Preset::Entra,
                "Enter the token as Secret Token under Admin Credentials; a blank one makes Entra send a token of \
                 its own, which is not accepted.",
            ),
            (Preset::Okta, "Choose HTTP Header as authentication mode and enter the token."),
            (Preset::Ping, "Choose a bearer token as authentication method of the connection and enter the token."),
        ],
        more: "Only ServiceProviderConfig answers without a token. If the provider does have one, look at the \
               proxies between it and the server: some of them drop the header.",
    },
    Failure {
        code: "token-revoked",
        cause: "The token was revoked.",
        remedy: "Make a new one with `bailiwick token create --integration NAME` and enter it at the provider, or with \
                 `bailiwick api-token create` for /api/v1; find out who still uses the old one.",
        hints: &[
            (
                Preset::Entra,
                "Make a new one with `bailiwick token create --integration NAME`, enter it as Secret Token under \
                 Admin Credentials, and press Test Connection.",
            ),
            (
                Preset::Okta,
                "Make a new one with `bailiwick token create --integration NAME` and enter it on the Integration \
                 page under Provisioning.",
            ),
        ],
        more: "A revoked token ends at once and for ever. Calls that still use it are recorded under its \
               integration: they show either a provider that was forgotten or a token in the wrong hands.",
    },
    Failure {
        code: "token-unknown",
        cause: "This store knows no such token here.",
        remedy: "Enter the token that `bailiwick integration create` or `bailiwick token create` printed, for /api/v1 one \
                 of `bailiwick api-token create`, and check that the address is that of the same server.",
        hints: &[
            (
                Preset::Entra,
                "Enter the token again as Secret Token under Admin Credentials and check Tenant URL; a blank Secret \
                 Token makes Entra send one of its own, which is not accepted.",
            ),
            (
                Preset::Okta,
                "Enter the token again on the Integration page under Provisioning and check the SCIM connector base \
                 URL.",
            ),
        ],
        more: "The token belongs to another store or to an integration that was deleted, or it was mistyped. Tokens \
               are shown once and only their digest is kept, so a lost one cannot be looked up: make another one.",
    },
];

/// What can be wrong between client and server, or in the server.
pub(super) const SERVER: &[Failure] = &[
    Failure {
        code: "expectation",
        cause: "The Expect header asks for something the server does not do.",
        remedy: "Send no Expect header, or Expect: 100-continue.",
        hints: &[],
        more: "RFC 9110 section 10.1.1 knows one expectation only, 100-continue.",
    },
    Failure {
        code: "head-too-large",
        cause: "The address or the headers of the request are larger than the server reads.",
        remedy: "Send long queries as POST to .search, and look for a proxy that adds headers or cookies.",
        hints: &[],
        more: "RFC 7644 section 3.4.3 has POST to .search for filters that do not fit into an address; that also \
               keeps names out of the logs of proxies.",
    },
    Failure {
        code: "header-malformed",
        cause: "A header is malformed, contradicts another one, or came twice where it may come once.",
        remedy: "Send the header that the answer names once and in its ordinary form; look at the proxies in between \
                 first.",
        hints: &[],
        more: "Two Authorization headers, two lengths, or a length beside Transfer-Encoding are how one request is \
               made to look like another to a proxy. The server does not choose between them (RFC 9112 section 6.3).",
    },
    Failure {
        code: "host-missing",
        cause: "The request names no host, or more than one.",
        remedy: "Send one Host header; every ordinary client does, so look at the proxies in between.",
        hints: &[],
        more: "RFC 9112 section 3.2. The host is required but chooses nothing here: the addresses in answers come \
               from the configured public URL.",
    },
    Failure {
        code: "idempotency-in-flight",
        cause: "A request with this Idempotency-Key is being carried out at this moment.",
        remedy: "Wait a second and send the same request again: it is answered with what the first one got.",
        hints: &[],
        more: "A key stands for one request. While it is under way nobody knows yet how it ends, so the second one is \
               neither carried out nor answered in its place.",
    },
    Failure {
        code: "idempotency-key-reused",
        cause: "The Idempotency-Key came before with another request.",
        remedy: "Use a fresh key for every request that is not a repetition of an earlier one.",
        hints: &[],
        more: "A key is kept for 24 hours together with a digest of method, path and body. A repetition is answered \
               with the first answer; something else under the same key would be dropped unnoticed, so it is refused.",
    },
    Failure {
        code: "idempotency-shown-once",
        cause: "The first request with this Idempotency-Key was carried out, and its answer showed a secret that is \
                shown once.",
        remedy: "Use what the first answer showed; if it is lost, revoke what was made and make another.",
        hints: &[],
        more: "The text of a token or secret is never stored, so the answer cannot be repeated. The refusal names the \
               id of what was made.",
    },
    Failure {
        code: "internal",
        cause: "The server met a fault of its own and stopped this request; nothing was changed.",
        remedy: "Report it with the request id of the answer and the server's log of that minute.",
        hints: &[],
        more: "This is never the client's doing: bad input has codes of its own. The log of the server holds the \
               details, and never a token, a password or a body.",
    },
    Failure {
        code: "me-not-offered",
        cause: "The call was for /Me, which stands for the user who calls, and an API token stands for no user.",
        remedy: "Use /Users with a filter or an id.",
        hints: &[],
        more: "RFC 7644 section 3.11 lets a server answer 501 here. Self-service through SCIM is off: what a person may \
               change is decided where that person signs in.",
    },
    Failure {
        code: "not-acceptable",
        cause: "The Accept header names no form in which this answer can be given.",
        remedy: "Send Accept: application/json, or the form that the documentation of the route names, or no Accept.",
        hints: &[],
        more: "The REST API answers JSON, some routes CSV, YAML or an event stream besides; errors are always \
               application/problem+json.",
    },
    Failure {
        code: "request-timeout",
        cause: "The request did not arrive completely in time.",
        remedy: "Send it again; if it happens often, look at the connection and at the proxies in between.",
        hints: &[],
        more: "A head or a body that trickles in holds resources of the server, so it is given some seconds only. \
               Nothing was carried out.",
    },
    Failure {
        code: "store-busy",
        cause: "The store could not take the change in time, so nothing was done.",
        remedy: "Send it again after the seconds that Retry-After names; if it lasts, look at the disk of the server.",
        hints: &[
            (Preset::Entra, "Nothing need be done for a single case: Entra tries again in its next cycle."),
            (Preset::Okta, "Nothing need be done for a single case: retry the task under Dashboard > Tasks."),
        ],
        more: "A change is acknowledged only when it is durable on disk. When the disk is slower than what arrives, \
               the server refuses with 503 instead of letting requests pile up. `bailiwick doctor` looks at the \
               store.",
    },
    Failure {
        code: "store-full",
        cause: "The disk of the server is full, so nothing was done.",
        remedy: "Free space or enlarge the disk that holds the data folder; no restart is needed.",
        hints: &[],
        more: "Reading goes on, and writing goes on as soon as there is space. What was acknowledged before is safe.",
    },
];
