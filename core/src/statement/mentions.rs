//! Whether a statement names a person, so that everything about them can be erased.

use serde_json::Value;

use super::mail;
use super::model::Ifi;

/// Whether a statement names `who` anywhere an actor can stand: as actor, object, authority,
/// instructor, team, context agent or group, as a member of any group, and in all these places of a
/// `SubStatement` too.
///
/// The identifier itself has to be there. A statement that has the SHA-1 of a mail address does not
/// name the address, nor the other way round: to find both, ask for both. Names, extensions and
/// other texts are not searched. Of what is no JSON object the answer is no.
pub fn mentions(body: &[u8], who: &Ifi) -> bool {
    serde_json::from_slice(body).is_ok_and(|statement| statement_mentions(&statement, who))
}

fn statement_mentions(statement: &Value, who: &Ifi) -> bool {
    let object = &statement["object"];
    let object_mentions = match object["objectType"].as_str() {
        Some("SubStatement") => statement_mentions(object, who),
        _ => is_or_has(object, who),
    };
    let context = &statement["context"];
    let around = |list: &str, member: &str| {
        context[list]
            .as_array()
            .is_some_and(|list| list.iter().any(|entry| is_or_has(&entry[member], who)))
    };

    object_mentions
        || is_or_has(&statement["actor"], who)
        || is_or_has(&statement["authority"], who)
        || is_or_has(&context["instructor"], who)
        || is_or_has(&context["team"], who)
        || around("contextAgents", "agent")
        || around("contextGroups", "group")
}

/// Whether an actor is `who`, or a group with `who` in it.
fn is_or_has(actor: &Value, who: &Ifi) -> bool {
    let is = match who {
        Ifi::Mbox(mbox) => actor["mbox"]
            .as_str()
            .is_some_and(|theirs| mail::fold(theirs) == mail::fold(mbox)),
        Ifi::MboxSha1sum(hex) => actor["mbox_sha1sum"]
            .as_str()
            .is_some_and(|theirs| theirs.eq_ignore_ascii_case(hex)),
        Ifi::Openid(uri) => actor["openid"] == uri.as_str(),
        Ifi::Account(account) => {
            let theirs = &actor["account"];
            theirs["homePage"] == account.home_page.as_str()
                && theirs["name"] == account.name.as_str()
        }
    };
    is || actor["member"]
        .as_array()
        .is_some_and(|members| members.iter().any(|member| is_or_has(member, who)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A statement about nobody in particular, with `part` put in at `pointer`.
    fn with(pointer: &str, part: &Value) -> Vec<u8> {
        let mut statement = json!({
            "actor": {"mbox": "mailto:nobody@example.com"},
            "verb": {"id": "https://example.com/did"},
            "object": {"id": "https://example.com/it"},
            "authority": null,
            "context": {
                "instructor": null,
                "team": null,
                "contextAgents": [{}, {"agent": null}],
                "contextGroups": [{"group": null}],
            },
        });
        *statement.pointer_mut(pointer).expect("the place exists") = part.clone();
        statement.to_string().into_bytes()
    }

    const PLACES: [&str; 7] = [
        "/actor",
        "/object",
        "/authority",
        "/context/instructor",
        "/context/team",
        "/context/contextAgents/1/agent",
        "/context/contextGroups/0/group",
    ];

    #[test]
    fn everyone_is_found_wherever_they_stand() {
        let kinds = [
            (
                Ifi::mbox("mailto:ada@Example.com"),
                json!({"mbox": "mailto:ada@example.COM"}),
            ),
            (
                Ifi::mbox_sha1sum("AB".repeat(20)),
                json!({"mbox_sha1sum": "ab".repeat(20)}),
            ),
            (
                Ifi::openid("https://example.com/ada"),
                json!({"openid": "https://example.com/ada"}),
            ),
            (
                Ifi::account("https://example.com", "ada"),
                json!({"account": {"homePage": "https://example.com", "name": "ada"}}),
            ),
        ];
        for (who, agent) in &kinds {
            let group = json!({"objectType": "Group", "member": [{"mbox": "mailto:x@y"}, agent]});
            for place in PLACES {
                assert!(mentions(&with(place, agent), who), "{who:?} at {place}");
                assert!(mentions(&with(place, &group), who), "{who:?} in {place}");
                let inner: Value =
                    serde_json::from_slice(&with(place, agent)).expect("it was JSON");
                let mut sub = inner;
                sub["objectType"] = "SubStatement".into();
                assert!(
                    mentions(&with("/object", &sub), who),
                    "{who:?} below {place}"
                );
            }
            for (other, _) in kinds.iter().filter(|(other, _)| other != who) {
                assert!(!mentions(&with("/actor", agent), other));
            }
        }
    }

    #[test]
    fn nobody_else_is() {
        let ada = Ifi::mbox("mailto:ada@example.com");
        for stranger in [
            json!({"mbox": "mailto:Ada@example.com"}),
            json!({"name": "mailto:ada@example.com"}),
            json!({"account": {"homePage": "https://example.com", "name": "mailto:ada@example.com"}}),
            json!("mailto:ada@example.com"),
        ] {
            for place in PLACES {
                assert!(
                    !mentions(&with(place, &stranger), &ada),
                    "{stranger} at {place}"
                );
            }
        }
        let account = Ifi::account("https://example.com", "ada");
        let namesake = json!({"account": {"homePage": "https://example.org", "name": "ada"}});
        assert!(!mentions(&with("/actor", &namesake), &account));
        assert!(!mentions(b"no statement", &ada));
        assert!(!mentions(b"[]", &ada));
    }
}
