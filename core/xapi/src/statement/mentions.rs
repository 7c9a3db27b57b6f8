//! Finds whether a statement names a person, so that everything about them can be erased.

use serde_json::Value;

use super::model::Ifi;
use super::spellings;

/// Tells whether a statement names `who` anywhere an actor can stand: as actor, object, authority,
/// instructor, team, context agent or group, as a member of any group, and in all these places of a
/// `SubStatement` too.
///
/// The identifier has to be there, in any of its spellings: a mail address in any letter case, with or without
/// percent-encoding and query, or as its SHA-1 (and likewise the address of a SHA-1 that is asked for); a URL
/// in all forms that RFC 3986, section 6.2 calls equivalent. An account's name is compared as it is: another
/// letter case can be another person. Names, extensions and other texts are not searched. The answer is no for
/// anything that is not a JSON object.
pub fn mentions(body: &[u8], who: &Ifi) -> bool {
    let person = Person::from(who);
    serde_json::from_slice(body).is_ok_and(|statement| statement_mentions(&statement, &person))
}

/// The person looked for, in the spelling used for comparison.
enum Person<'a> {
    Mail { address: String, sha1s: Vec<String> },
    MailSha1(&'a str),
    Openid(String),
    Account { home_page: String, name: &'a str },
}

impl<'a> From<&'a Ifi> for Person<'a> {
    fn from(who: &'a Ifi) -> Self {
        match who {
            Ifi::Mbox(mbox) => Self::Mail {
                address: spellings::mail(mbox),
                sha1s: spellings::mail_sha1s(mbox),
            },
            Ifi::MboxSha1sum(hex) => Self::MailSha1(hex),
            Ifi::Openid(uri) => Self::Openid(spellings::url(uri)),
            Ifi::Account(account) => Self::Account {
                home_page: spellings::url(&account.home_page),
                name: &account.name,
            },
        }
    }
}

fn statement_mentions(statement: &Value, who: &Person) -> bool {
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

/// Tells whether an actor is `who`, or a group that contains `who`.
fn is_or_has(actor: &Value, who: &Person) -> bool {
    let is = match who {
        Person::Mail { address, sha1s } => {
            let mbox = actor["mbox"].as_str();
            let sum = actor["mbox_sha1sum"].as_str();
            mbox.is_some_and(|theirs| spellings::mail(theirs) == *address)
                || sum
                    .is_some_and(|theirs| sha1s.iter().any(|one| theirs.eq_ignore_ascii_case(one)))
        }
        Person::MailSha1(hex) => {
            let mbox = actor["mbox"].as_str();
            let sum = actor["mbox_sha1sum"].as_str();
            sum.is_some_and(|theirs| theirs.eq_ignore_ascii_case(hex))
                || mbox.is_some_and(|theirs| {
                    let theirs = spellings::mail_sha1s(theirs);
                    theirs.iter().any(|one| one.eq_ignore_ascii_case(hex))
                })
        }
        Person::Openid(url) => actor["openid"]
            .as_str()
            .is_some_and(|theirs| spellings::url(theirs) == *url),
        Person::Account { home_page, name } => {
            let theirs = &actor["account"];
            theirs["name"] == *name
                && theirs["homePage"]
                    .as_str()
                    .is_some_and(|theirs| spellings::url(theirs) == *home_page)
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
    fn whoever_is_spelt_in_another_way_is_the_same() {
        let zoe = Ifi::mbox("mailto:zoe.q@example.com");
        // By `sha1sum`: of mailto:zoe.q@example.com, of mailto:Zoe.Q@example.com, and of the bare address.
        let sums = [
            "1fdd22f4aa00480d90a99e540ed1266cec7a0045",
            "d0d8c9128d97762df13ef9232c93bcf79153eedb",
            "bc8d4b079e6d354b4800cbcb54e9fa2bb5f8eba1",
        ];
        for theirs in [
            json!({"mbox": "MAILTO:zoe.q@example.com"}),
            json!({"mbox": "mailto:Zoe.Q@Example.COM"}),
            json!({"mbox": "mailto:zoe%2Eq@example.com"}),
            json!({"mbox": "mailto:zoe.q%40example.com"}),
            json!({"mbox_sha1sum": sums[0]}),
            json!({"mbox_sha1sum": sums[2]}),
        ] {
            assert!(mentions(&with("/actor", &theirs), &zoe), "{theirs}");
        }
        let shouted = Ifi::mbox("MAILTO:Zoe.Q@EXAMPLE.com");
        assert!(mentions(
            &with("/actor", &json!({"mbox_sha1sum": sums[0]})),
            &shouted
        ));
        let by_sum = Ifi::mbox_sha1sum(sums[0]);
        let theirs = with("/actor", &json!({"mbox": "MAILTO:zoe%2Eq@Example.com"}));
        assert!(mentions(&theirs, &by_sum));
        let as_written = with("/actor", &json!({"mbox": "mailto:Zoe.Q@example.com"}));
        assert!(mentions(&as_written, &Ifi::mbox_sha1sum(sums[1])));
        assert!(!mentions(&theirs, &Ifi::mbox_sha1sum("0".repeat(40))));

        let account = Ifi::account("https://school.example", "seat-7");
        let theirs = json!({"account": {"homePage": "HTTPS://School.Example/", "name": "seat-7"}});
        assert!(mentions(&with("/actor", &theirs), &account));
        let other = json!({"account": {"homePage": "https://school.example", "name": "Seat-7"}});
        assert!(!mentions(&with("/actor", &other), &account));
        let openid = Ifi::openid("https://id.example/~zoe");
        let theirs = json!({"openid": "https://ID.example:443/%7Ezoe"});
        assert!(mentions(&with("/actor", &theirs), &openid));
    }

    #[test]
    fn nobody_else_is() {
        let ada = Ifi::mbox("mailto:ada@example.com");
        for stranger in [
            json!({"mbox": "mailto:ada@example.org"}),
            json!({"mbox": "mailto:a.da@example.com"}),
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
