//! What lies in other rows: the groups of a User, the members of a Group, the manager.

use bailiwick_domain::ids::Kind;
use bailiwick_scim::filter::{CompareOp, Operand};
use bailiwick_scim::schema::Target;

use super::scalar::Scalar;
use super::values::has_several;
use super::{Compiler, Place};

impl Compiler<'_> {
    fn is_groups(&self, target: &Target) -> bool {
        self.scope.kind == Some(Kind::User) && target.extension.is_none() && target.attribute.name == "groups"
    }

    fn is_members(&self, target: &Target) -> bool {
        self.scope.kind == Some(Kind::Group) && target.extension.is_none() && target.attribute.name == "members"
    }

    /// The rows behind `groups` or `members`, up to the condition; `None` for any other attribute.
    pub(super) fn related_rows(&mut self, target: &Target, place: &Place) -> Option<(String, Place)> {
        if !matches!(place, Place::Row) {
            return None;
        }
        if self.is_groups(target) {
            let (link, group) = (self.alias('m'), self.alias('g'));
            let rows = if self.scope.nested {
                format!(
                    "({ABOVE} SELECT grp, max(direct) AS direct FROM above GROUP BY grp) {link} \
                     JOIN resource {group} ON {group}.seq = {link}.grp WHERE "
                )
            } else {
                format!(
                    "membership {link} JOIN resource {group} ON {group}.seq = {link}.grp \
                     WHERE {link}.member = r.seq AND "
                )
            };
            return Some((rows, Place::Group(group, link)));
        }
        if self.is_members(target) {
            let (link, member) = (self.alias('m'), self.alias('g'));
            let rows = format!(
                "membership {link} JOIN resource {member} ON {member}.seq = {link}.member WHERE {link}.grp = r.seq AND "
            );
            return Some((rows, Place::Member(member)));
        }
        None
    }

    /// `groups.value eq` and `members.value eq`, found from the other end.
    pub(super) fn related_to(
        &mut self,
        target: &Target,
        op: CompareOp,
        operand: &Operand,
        place: &Place,
    ) -> Option<String> {
        let (CompareOp::Eq, Operand::Exact(id), Place::Row) = (op, operand, place) else {
            return None;
        };
        if !has_several(target, place) || target.sub.as_ref().is_none_or(|sub| sub.name != "value") {
            return None;
        }
        if !self.is_groups(target) && !self.is_members(target) {
            return None;
        }
        // No id holds a NUL, and PostgreSQL takes none.
        if id.contains('\0') {
            return Some("false".to_owned());
        }
        let (id, integration) = (self.bind(id.clone()), self.bind(self.scope.integration.0));
        let other = format!("(SELECT o.seq FROM resource o WHERE o.id = {id} AND o.integration = {integration})");
        let rows = match (self.is_groups(target), self.scope.nested) {
            (false, _) => format!("SELECT grp FROM membership WHERE member = {other}"),
            (true, false) => format!("SELECT member FROM membership WHERE grp = {other}"),
            (true, true) => format!(
                "WITH RECURSIVE below(member) AS (SELECT member FROM membership WHERE grp = {other} \
                 UNION SELECT m.member FROM below JOIN membership m ON m.grp = below.member) SELECT member FROM below"
            ),
        };
        Some(format!("r.seq IN ({rows})"))
    }

    pub(super) fn of_group(&mut self, row: &str, link: &str, target: &Target) -> Scalar {
        match target.sub.as_deref().map(|sub| sub.name.as_str()) {
            Some("value") => Scalar::always(format!("{row}.id")),
            Some("display") => Scalar::always(format!("{row}.name_match")),
            Some("$ref") => Scalar::always(self.location(Kind::Group, &format!("{row}.id"))),
            Some("type") if self.scope.nested => Scalar::always(
                self.dialect().by_code_point(&format!("CASE {link}.direct WHEN 1 THEN 'direct' ELSE 'indirect' END")),
            ),
            Some("type") => Scalar::Constant("direct".to_owned()),
            _ => Scalar::Never,
        }
    }

    pub(super) fn of_member(&mut self, row: &str, target: &Target) -> Scalar {
        match target.sub.as_deref().map(|sub| sub.name.as_str()) {
            Some("value") => Scalar::always(format!("{row}.id")),
            Some("display") => Scalar::nullable(self.shown(row)),
            Some("$ref") => {
                let id = format!("{row}.id");
                let (user, group) = (self.location(Kind::User, &id), self.location(Kind::Group, &id));
                Scalar::always(format!("CASE {row}.kind WHEN 1 THEN {user} ELSE {group} END"))
            }
            Some("type") => {
                let kind = format!("CASE {row}.kind WHEN 1 THEN 'user' ELSE 'group' END");
                Scalar::always(self.dialect().by_code_point(&kind))
            }
            _ => Scalar::Never,
        }
    }

    /// The match key of what a reference to this resource shows, if anything.
    fn shown(&self, row: &str) -> String {
        format!("nullif({}, '')", self.dialect().display_key(row))
    }

    /// The manager as the client said, and what the server adds if that is a User of the integration.
    pub(super) fn of_manager(&mut self, sub: &str) -> Option<Scalar> {
        let known = |what: &str| {
            Scalar::nullable(format!(
                "(SELECT {what} FROM resource b WHERE b.id = r.manager AND b.integration = r.integration AND b.kind = 1)"
            ))
        };
        match sub {
            "value" => Some(Scalar::nullable("r.manager")),
            "displayName" => Some(known(&self.shown("b"))),
            "$ref" => Some(known(&self.location(Kind::User, "b.id"))),
            _ => None,
        }
    }
}

/// The groups a User is in, through others too.
const ABOVE: &str = "WITH RECURSIVE above(grp, direct) AS (SELECT grp, 1 FROM membership WHERE member = r.seq \
                     UNION SELECT m.grp, 0 FROM above JOIN membership m ON m.member = above.grp)";
