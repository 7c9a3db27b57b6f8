//! Rules of the standard as a fault names them: what is expected, and the section that says so.

use super::version::XapiVersion;

/// A section of the standard, as numbered in each of its versions.
#[derive(Clone, Copy)]
pub(crate) struct Section {
    v1_0_3: &'static str,
    v2_0_0: &'static str,
}

impl Section {
    pub(crate) const fn of(self, version: XapiVersion) -> &'static str {
        match version {
            XapiVersion::V1_0_3 => self.v1_0_3,
            XapiVersion::V2_0_0 => self.v2_0_0,
        }
    }
}

/// A rule: what is expected, and the section that says so.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) expected: &'static str,
    pub(crate) section: Section,
}

pub(crate) const fn rule(expected: &'static str, section: Section) -> Rule {
    Rule { expected, section }
}

macro_rules! sections {
    ($($name:ident: $old:literal, $new:literal;)*) => {
        $(pub(crate) const $name: Section = Section {
            v1_0_3: concat!("xAPI 1.0.3 ", $old),
            v2_0_0: concat!("xAPI 2.0.0 ", $new),
        };)*
    };
}

sections! {
    JSON: "About 3.0", "4.1.2";
    FORMAT: "Data 2.2", "4.2.1";
    EMPTY: "Data 2.2", "5.2.4.1";
    STATEMENT: "Data 2.4", "4.2.2";
    ID: "Data 2.4.1", "4.2.2";
    ACTOR: "Data 2.4.2", "4.2.2.1";
    IDENTIFIER: "Data 2.4.2.3", "4.2.2.1";
    ACCOUNT: "Data 2.4.2.4", "4.2.2.1";
    VERB: "Data 2.4.3", "4.2.2.2";
    VOIDING: "Data 2.3.2", "4.2.5";
    OBJECT: "Data 2.4.4", "4.2.2.3";
    ACTIVITY: "Data 2.4.4.1", "4.2.2.3";
    STATEMENT_OBJECT: "Data 2.4.4.3", "4.2.2.3";
    RESULT: "Data 2.4.5", "4.2.2.4";
    SCORE: "Data 2.4.5.1", "4.2.2.4";
    CONTEXT: "Data 2.4.6", "4.2.2.5";
    CONTEXT_ACTIVITIES: "Data 2.4.6.2", "4.2.2.5";
    AUTHORITY: "Data 2.4.9", "4.2.2";
    VERSION: "Data 2.4.10", "4.2.2";
    ATTACHMENT: "Data 2.4.11", "4.2.2.6";
    SIGNATURE: "Data 2.6", "4.2.6";
    EXTENSIONS: "Data 4.1", "4.2.7";
    LANGUAGE_MAP: "Data 4.2", "4.2.7";
    TIMESTAMP: "Data 4.5", "4.2.7";
    DURATION: "Data 4.6", "4.2.7";
}
