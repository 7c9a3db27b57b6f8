//! Agents and Groups, wherever they stand.

use crate::statement::formats::{hash, iri, mailto};
use crate::statement::reader::Step;
use crate::statement::rule::{self, ACCOUNT, IDENTIFIER, Rule, rule};
use crate::statement::text::Text;
use crate::statement::walk::Walk;

const TYPE: Rule = rule("\"Agent\" or \"Group\"", rule::ACTOR);
const NAME: Rule = rule("a string", rule::ACTOR);
const MBOX: Rule = rule(
    "a mailbox such as \"mailto:someone@example.com\"",
    IDENTIFIER,
);
const MBOX_SHA1SUM: Rule = rule(
    "the SHA-1 of a mailto IRI, in 40 hexadecimal digits",
    IDENTIFIER,
);
const OPENID: Rule = rule("an OpenID: a URI with a scheme", IDENTIFIER);
const ONE_IDENTIFIER: Rule = rule(
    "exactly one of mbox, mbox_sha1sum, openid and account in an Agent",
    IDENTIFIER,
);
const ONE_AT_MOST: Rule = rule(
    "at most one of mbox, mbox_sha1sum, openid and account in a Group",
    IDENTIFIER,
);
const MEMBERS: Rule = rule("an array of Agents", rule::ACTOR);
const ANONYMOUS_MEMBERS: Rule = rule("the members of a Group that has no identifier", rule::ACTOR);
const MEMBER: Rule = rule("an Agent: a Group's members are Agents", rule::ACTOR);
const AGENT: Rule = rule("an Agent", rule::ACTOR);
const GROUP: Rule = rule("a Group, with \"objectType\": \"Group\"", rule::ACTOR);
const ONLY_GROUPS: Rule = rule(
    "members only in a Group, which must say \"objectType\": \"Group\"",
    rule::ACTOR,
);
const PROPERTIES: Rule = rule(
    "only objectType, name, one of mbox, mbox_sha1sum, openid and account, and in a Group member",
    rule::ACTOR,
);
const ACCOUNT_WHOLE: Rule = rule("an account: an object with a homePage and a name", ACCOUNT);
const HOME_PAGE: Rule = rule(
    "an address with a scheme, such as \"https://example.com\"",
    ACCOUNT,
);
const ACCOUNT_NAME: Rule = rule("a string: the name of the account", ACCOUNT);
const ACCOUNT_PROPERTIES: Rule = rule("only homePage and name in an account", ACCOUNT);

/// The kinds of actor that a place allows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    Either,
    Agent,
    Group,
}

/// Facts about an actor that the rules around it need.
pub(crate) struct Actor {
    /// Offset of its start.
    pub(crate) at: usize,
    pub(crate) is_group: bool,
    /// Number of its identifiers.
    pub(crate) identifiers: usize,
    /// Tells whether `account` is one of them.
    pub(crate) has_account: bool,
    /// Number of its members.
    pub(crate) members: usize,
    /// Tells whether a member has an `account`.
    pub(crate) member_has_account: bool,
}

/// Reads an Agent or Group. `None` if it is not even an object, which is noted under `rule`.
pub(crate) fn actor(walk: &mut Walk<'_>, wanted: Wanted, rule: Rule) -> Step<Option<Actor>> {
    let Some(mut members) = walk.object(rule)? else {
        return Ok(None);
    };
    let mut actor = Actor {
        at: members.at,
        is_group: false,
        identifiers: 0,
        has_account: false,
        members: 0,
        member_has_account: false,
    };
    let mut is_known = true;
    let mut type_at = None;
    let mut member_key: Option<Text<'_>> = None;
    while let Some(key) = walk.key(&mut members)? {
        let name = key.decoded();
        actor.identifiers += usize::from(matches!(
            &*name,
            "mbox" | "mbox_sha1sum" | "openid" | "account"
        ));
        match &*name {
            "objectType" => {
                type_at = Some(walk.next_at()?);
                let is_group = walk.parsed(TYPE, |text| match text {
                    "Agent" => Some(false),
                    "Group" => Some(true),
                    _ => None,
                })?;
                is_known = is_group.is_some();
                actor.is_group = is_group == Some(true);
            }
            "name" => {
                walk.string(NAME)?;
            }
            "mbox" => walk.personal(MBOX, mailto::is_mailto)?,
            "mbox_sha1sum" => walk.personal(MBOX_SHA1SUM, hash::is_sha1)?,
            "openid" => walk.personal(OPENID, iri::is_iri)?,
            "account" => {
                actor.has_account = true;
                account(walk)?;
            }
            "member" => {
                member_key = Some(key);
                if wanted == Wanted::Agent {
                    walk.skip()?;
                } else {
                    read_members(walk, &mut actor)?;
                }
            }
            _ => walk.unknown(&key, PROPERTIES)?,
        }
    }
    if is_known {
        let member_at = member_key.map(|key| key.at);
        as_a_whole(walk, &actor, wanted, rule, (type_at, member_at));
    }
    Ok(Some(actor))
}

/// Checks the properties against each other: the type, and the number of identifiers. `type_at` and `member_at`
/// are the offsets of the type and of the key `member`.
fn as_a_whole(
    walk: &mut Walk<'_>,
    actor: &Actor,
    wanted: Wanted,
    rule: Rule,
    (type_at, member_at): (Option<usize>, Option<usize>),
) {
    match (wanted, actor.is_group) {
        (Wanted::Agent, true) => walk.note(actor.at, "is a Group", rule),
        (Wanted::Group, false) => match type_at {
            Some(at) => walk.note(at, "is \"Agent\"", GROUP),
            None => walk.missing(actor.at, "objectType", GROUP),
        },
        (_, false) if let Some(at) = member_at => {
            walk.note(at, "is not allowed in an Agent", ONLY_GROUPS);
        }
        _ => {}
    }
    if actor.is_group || wanted == Wanted::Group {
        if actor.identifiers > 1 {
            walk.note(
                actor.at,
                format!("has {} identifiers", actor.identifiers),
                ONE_AT_MOST,
            );
        } else if actor.identifiers == 0 && member_at.is_none() && wanted != Wanted::Agent {
            walk.missing(actor.at, "member", ANONYMOUS_MEMBERS);
        }
    } else if actor.identifiers == 0 {
        walk.note(actor.at, "has no identifier", ONE_IDENTIFIER);
    } else if actor.identifiers > 1 {
        walk.note(
            actor.at,
            format!("has {} identifiers", actor.identifiers),
            ONE_IDENTIFIER,
        );
    }
}

/// Reads an Agent.
pub(crate) fn agent(walk: &mut Walk<'_>) -> Step<()> {
    actor(walk, Wanted::Agent, AGENT).map(drop)
}

/// Reads a Group.
pub(crate) fn group(walk: &mut Walk<'_>) -> Step<()> {
    actor(walk, Wanted::Group, GROUP).map(drop)
}

fn read_members(walk: &mut Walk<'_>, group: &mut Actor) -> Step<()> {
    let Some(mut elements) = walk.array(MEMBERS)? else {
        return Ok(());
    };
    while walk.element(&mut elements)? {
        let member = actor(walk, Wanted::Agent, MEMBER)?;
        group.member_has_account |= member.is_some_and(|member| member.has_account);
    }
    group.members = elements.count;
    Ok(())
}

fn account(walk: &mut Walk<'_>) -> Step<()> {
    let Some(mut members) = walk.object(ACCOUNT_WHOLE)? else {
        return Ok(());
    };
    let (mut has_home_page, mut has_name) = (false, false);
    while let Some(key) = walk.key(&mut members)? {
        match &*key.decoded() {
            "homePage" => {
                has_home_page = true;
                walk.formatted(HOME_PAGE, iri::is_iri)?;
            }
            "name" => {
                has_name = true;
                walk.string(ACCOUNT_NAME)?;
            }
            _ => walk.unknown(&key, ACCOUNT_PROPERTIES)?,
        }
    }
    if !has_home_page {
        walk.missing(members.at, "homePage", HOME_PAGE);
    }
    if !has_name {
        walk.missing(members.at, "name", ACCOUNT_NAME);
    }
    Ok(())
}
