//! The words of the change feed: RFC 9967's where it has one, ours elsewhere.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)+) => {
        /// What an event tells. The text is part of the journal and export formats.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[EventKind] = &[$(EventKind::$variant,)+];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(EventKind::$variant => $text,)+ } }

            /// The kind of that text.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> { match text { $($text => Some(EventKind::$variant),)+ _ => None } }
        }
    };
}

kinds! {
    /// Sessions, tokens and invitations went with the access of a person.
    AccessEnd = "access:end";
    /// A User was switched on (RFC 9967).
    Activate = "prov:activate";
    /// A local admin was created on the host.
    AdminCreate = "admin:create";
    /// A local admin was given new credentials on the host.
    AdminRecover = "admin:recover";
    /// A call of the REST API that was refused or failed.
    ApiRefused = "api:refused";
    /// An API token was made.
    ApiTokenCreate = "api-token:create";
    /// An API token was revoked.
    ApiTokenRevoke = "api-token:revoke";
    /// An API token was given an earlier end because a successor was made.
    ApiTokenRotate = "api-token:rotate";
    /// A recovery code was used up to sign in.
    BreakGlassUse = "break-glass:use";
    /// A call that changed nothing: the state asked for was there already.
    CallUnchanged = "call:unchanged";
    /// A call that was refused or failed.
    CallRefused = "call:refused";
    /// A call with a token that is expired, revoked or of a paused integration.
    CallUnauthenticated = "call:unauthenticated";
    /// Calls that no token identifies, counted per address and minute.
    CallsAnonymous = "calls:anonymous";
    /// A pair of a User and a Person that may be the same human was queued.
    ConflictOpen = "conflict:open";
    /// The pair was declared two humans.
    ConflictKeep = "conflict:keep";
    /// The pair was declared one human.
    ConflictLink = "conflict:link";
    /// The pair was declared two humans, and the person here took another name.
    ConflictRename = "conflict:rename";
    /// A resource was created (RFC 9967).
    Create = "prov:create:full";
    /// A User was switched off (RFC 9967).
    Deactivate = "prov:deactivate";
    /// A resource was deleted (RFC 9967).
    Delete = "prov:delete";
    /// An e-mail domain was claimed for an integration.
    DomainClaim = "domain:claim";
    /// A claim was given up.
    DomainRelease = "domain:release";
    /// Somebody was asked to look after a hand-over.
    HandoverAssign = "handover:assign";
    /// It was decided that nobody has to take a thing on.
    HandoverDecline = "handover:decline";
    /// Somebody took a thing on that a person left behind.
    HandoverDone = "handover:done";
    /// A person left who was responsible for things: a task was opened for each.
    HandoverOpen = "handover:open";
    /// The person came back: the open tasks were closed.
    HandoverReturn = "handover:return";
    /// What a person has by rules and groups changed.
    GrantChange = "grant:change";
    /// The role of the last active admin was kept though no rule gives it any more.
    GrantKept = "grant:kept";
    /// Removals went into a hold that waits already.
    HoldAdd = "hold:add";
    /// Removals that were held were approved.
    HoldApprove = "hold:approve";
    /// Removals are held until somebody decides.
    HoldOpen = "hold:open";
    /// Removals that were held are no removals any more: the identity provider took them back.
    HoldRelease = "hold:release";
    /// Removals that were held were rejected: nothing is taken away.
    HoldReject = "hold:reject";
    /// What an integration had said while it was only observed was applied.
    IntegrationApply = "integration:apply";
    /// An integration was created.
    IntegrationCreate = "integration:create";
    /// An integration was deleted with all it had provisioned.
    IntegrationDelete = "integration:delete";
    /// The attribute mapping of an integration was changed.
    IntegrationMapping = "integration:mapping";
    /// An integration was paused.
    IntegrationPause = "integration:pause";
    /// An integration was resumed.
    IntegrationResume = "integration:resume";
    /// The settings of an integration were changed.
    IntegrationSet = "integration:set";
    /// An invitation was accepted: the person has an account.
    InviteAccept = "invite:accept";
    /// Files of a source were imported.
    ImportRun = "import:run";
    /// Somebody was invited.
    InviteCreate = "invite:create";
    /// An invitation was taken back.
    InviteRevoke = "invite:revoke";
    /// A person was switched on by an admin.
    PersonActivate = "person:activate";
    /// A person lost the last User and local account.
    PersonClose = "person:close";
    /// A person was made by an admin.
    PersonCreate = "person:create";
    /// A person was switched off by an admin.
    PersonDeactivate = "person:deactivate";
    /// What is known of a person was changed by an admin.
    PersonSet = "person:set";
    /// A person was switched off: what ended, and how much was theirs to look after.
    PersonLeave = "person:leave";
    /// A person who was switched off came back.
    PersonReturn = "person:return";
    /// A resource was changed by PATCH (RFC 9967).
    Patch = "prov:patch:full";
    /// A payload was erased.
    PayloadErase = "payload:erase";
    /// A resource was replaced (RFC 9967).
    Put = "prov:put:full";
    /// A custom role was deleted.
    RoleDelete = "role:delete";
    /// A role was given by hand.
    RoleGive = "role:give";
    /// A custom role was made or changed.
    RoleSet = "role:set";
    /// A role held by hand was taken.
    RoleTake = "role:take";
    /// Somebody signed in.
    SessionBegin = "session:begin";
    /// A session was ended.
    SessionEnd = "session:end";
    /// Sign-ins to one account failed, counted.
    SessionRefuse = "session:refuse";
    /// A setting of the store was changed.
    SettingSet = "setting:set";
    /// Mapping rules were saved.
    RulesSave = "rules:save";
    /// Somebody looked at a mapping rule and decided whether it stays.
    RuleReview = "rules:review";
    /// An entity of the catalog was changed.
    EntityChange = "entity:change";
    /// An entity of the catalog was created.
    EntityCreate = "entity:create";
    /// An entity of the catalog was deleted.
    EntityDelete = "entity:delete";
    /// A person became a member of a team by hand.
    MemberAdd = "member:add";
    /// A membership by hand was taken away.
    MemberRemove = "member:remove";
    /// A tier, lifecycle or property is no longer defined.
    StandardDelete = "standard:delete";
    /// A tier, lifecycle or property was defined or changed.
    StandardSet = "standard:set";
    /// A team was changed.
    TeamChange = "team:change";
    /// A team was created.
    TeamCreate = "team:create";
    /// A team was deleted.
    TeamDelete = "team:delete";
    /// A group feeds a team.
    TeamFeed = "team:feed";
    /// A group feeds a team no longer.
    TeamUnfeed = "team:unfeed";
    /// A token was made.
    TokenCreate = "token:create";
    /// A token was revoked.
    TokenRevoke = "token:revoke";
    /// A token was given an earlier end because a successor was made.
    TokenRotate = "token:rotate";
    /// A webhook was changed.
    WebhookChange = "webhook:change";
    /// A webhook was made.
    WebhookCreate = "webhook:create";
    /// A webhook was deleted.
    WebhookDelete = "webhook:delete";
    /// A webhook was switched off because nothing was delivered for a day.
    WebhookDisable = "webhook:disable";
}
