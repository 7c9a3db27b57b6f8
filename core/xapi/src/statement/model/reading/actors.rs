//! Reads Agents and Groups, wherever they stand.

use super::values::text;
use super::{Needed, Read, object, some};
use crate::statement::model::{Actor, Agent, Ifi, XapiAccount, XapiGroup};
use crate::statement::rule::{self, ACCOUNT, IDENTIFIER, Rule, rule};
use crate::statement::walk::Walk;

const WHOLE: Rule = rule(
    "an actor: an object with objectType, name, one of mbox, mbox_sha1sum, openid and account, and in a Group \
     member",
    rule::ACTOR,
);
const TYPE: Rule = rule("\"Agent\" or \"Group\"", rule::ACTOR);
const TEXT: Rule = rule("a string", rule::ACTOR);
const ONE_IDENTIFIER: Rule = rule(
    "exactly one of mbox, mbox_sha1sum, openid and account in an Agent",
    IDENTIFIER,
);
const ONE_AT_MOST: Rule = rule(
    "at most one of mbox, mbox_sha1sum, openid and account",
    IDENTIFIER,
);
const MEMBERS: Rule = rule("an array of Agents", rule::ACTOR);
const AGENT: Rule = rule("an Agent", rule::ACTOR);
const GROUP: Rule = rule("a Group, with \"objectType\": \"Group\"", rule::ACTOR);
const ONLY_GROUPS: Rule = rule(
    "members only in a Group, which must say \"objectType\": \"Group\"",
    rule::ACTOR,
);
const WHOLE_ACCOUNT: Rule = rule("an account: an object with homePage and name", ACCOUNT);

/// Reads an Agent or a Group.
pub(super) fn actor(walk: &mut Walk<'_>) -> Read<Actor> {
    Ok(located(walk)?.map(|(_, actor)| actor))
}

/// Reads an Agent.
pub(super) fn agent(walk: &mut Walk<'_>) -> Read<Agent> {
    Ok(match located(walk)? {
        Some((_, Actor::Agent(agent))) => Some(agent),
        Some((at, Actor::Group(_))) => {
            walk.note(at, "is a Group", AGENT);
            None
        }
        None => None,
    })
}

/// Reads a Group.
pub(super) fn group(walk: &mut Walk<'_>) -> Read<XapiGroup> {
    Ok(match located(walk)? {
        Some((_, Actor::Group(group))) => Some(group),
        Some((at, Actor::Agent(_))) => {
            walk.note(at, "is an Agent", GROUP);
            None
        }
        None => None,
    })
}

/// Reads an Agent or a Group, and returns its offset too.
fn located(walk: &mut Walk<'_>) -> Read<(usize, Actor)> {
    let (mut is_group, mut name, mut ifi, mut identifiers) = (Some(false), None, None, 0);
    let mut member = None;
    let at = object(walk, WHOLE, |walk, property| {
        let read = match property {
            "objectType" => {
                is_group = walk.parsed(TYPE, |text| match text {
                    "Agent" => Some(false),
                    "Group" => Some(true),
                    _ => None,
                })?;
                return Ok(true);
            }
            "name" => {
                name = text(walk, TEXT)?;
                return Ok(true);
            }
            "member" => {
                let at = walk.next_at()?;
                member = Some((at, some(walk, MEMBERS, agent)?));
                return Ok(true);
            }
            "mbox" => text(walk, TEXT)?.map(Ifi::Mbox),
            "mbox_sha1sum" => text(walk, TEXT)?.map(Ifi::MboxSha1sum),
            "openid" => text(walk, TEXT)?.map(Ifi::Openid),
            "account" => account(walk)?.map(Ifi::Account),
            _ => return Ok(false),
        };
        identifiers += 1;
        ifi = read;
        Ok(true)
    })?;
    let (Some(at), Some(is_group)) = (at, is_group) else {
        return Ok(None);
    };
    if identifiers > 1 {
        walk.note(
            at,
            format!("has {identifiers} identifiers"),
            if is_group {
                ONE_AT_MOST
            } else {
                ONE_IDENTIFIER
            },
        );
        return Ok(None);
    }
    if is_group {
        let member = member.map(|(_, member)| member).unwrap_or_default();
        return Ok(Some((at, Actor::Group(XapiGroup { name, ifi, member }))));
    }
    if let Some((at, _)) = member {
        walk.note(at, "is not allowed in an Agent", ONLY_GROUPS);
    }
    if identifiers == 0 {
        walk.note(at, "has no identifier", ONE_IDENTIFIER);
    }
    Ok(ifi.map(|ifi| (at, Actor::Agent(Agent { name, ifi }))))
}

fn account(walk: &mut Walk<'_>) -> Read<XapiAccount> {
    let (mut home_page, mut name) = (Needed::default(), Needed::default());
    let at = object(walk, WHOLE_ACCOUNT, |walk, property| {
        match property {
            "homePage" => home_page.set(text(walk, TEXT)?),
            "name" => name.set(text(walk, TEXT)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(at) = at else { return Ok(None) };
    let home_page = home_page.get(walk, at, "homePage", TEXT);
    let name = name.get(walk, at, "name", TEXT);
    Ok(home_page
        .zip(name)
        .map(|(home_page, name)| XapiAccount { home_page, name }))
}
