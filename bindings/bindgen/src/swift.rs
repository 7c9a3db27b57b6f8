//! The vocabulary as Swift, and changes to uniffi's bindings that a Swift developer expects. Verbs are found where
//! a verb is wanted: `.completed`.

use heck::ToLowerCamelCase;

use crate::vocabulary::{Section, Word};

const HEAD: &str = "// Made by bindings/generate; changes are lost.
";

/// Types that an app may want to store or pass on. Credentials and what holds them are not for that, and a
/// statement's one form outside is xAPI's own JSON (ios/Sources/Pannier/Model).
const CODABLE: [&str; 33] = [
    "Check",
    "Conflict",
    "Difference",
    "Durability",
    "Ended",
    "Erased",
    "Event",
    "Examined",
    "Fault",
    "Finding",
    "HeldStatement",
    "HistoryPolicy",
    "HoldReason",
    "ListedStatement",
    "LogEntry",
    "LogLevel",
    "LossReport",
    "Probe",
    "Problem",
    "Recorded",
    "Remainder",
    "Route",
    "Status",
    "SyncPolicy",
    "SyncReport",
    "Trouble",
    "UpstreamInfo",
    "UpstreamReport",
    "WaitKind",
    "WaitReason",
    "WaitingAside",
    "Warnings",
    "XapiVersion",
];

pub fn write(vocabulary: &[Section]) -> String {
    let mut lines = vec![HEAD.to_owned()];
    for Section { name, what, words } in vocabulary {
        lines.push(match *name {
            "Verbs" => format!("/// {what}\nextension Verb {{"),
            _ => format!("/// {what}\npublic enum {name} {{"),
        });
        lines.extend(words.iter().map(word));
        lines.push("}\n".to_owned());
    }
    lines.join("\n")
}

fn word(word: &Word) -> String {
    let (name, iri) = (word.name.to_lower_camel_case(), &word.iri);
    let value = match &word.display {
        Some(shown) => format!("Verb(id: {iri:?}, display: [\"en\": {shown:?}])"),
        None => format!("{iri:?}"),
    };
    let docs = word.docs.join(" ");
    format!("    /// {docs}\n    public static let {name} = {value}")
}

/// Returns uniffi's bindings, with properties, the cases of its errors written as Swift's are, and `Codable` values.
pub fn finish(bindings: &str) -> String {
    let mut error = None;
    let mut lines: Vec<String> = bindings
        .lines()
        .map(|line| {
            if let Some((_, name)) = line.split_once("enum ")
                && let Some((name, _)) = name.split_once(": Swift.Error")
            {
                error = Some(format!("public func FfiConverterType{name}_lift"));
            } else if error.as_ref().is_some_and(|end| line.starts_with(end)) {
                error = None;
            }
            let changed = match error {
                Some(_) => property(line).or_else(|| small(line)),
                None => property(line).or_else(|| hidden(line)),
            };
            changed.unwrap_or_else(|| line.to_owned())
        })
        .collect();
    lines.extend(CODABLE.map(|name| format!("extension {name}: Codable {{}}")));
    lines.join("\n") + "\n"
}

/// Returns the first line of what a value tells of itself, which uniffi makes a function and Swift has a property for.
/// The functions of objects are open ones.
fn property(line: &str) -> Option<String> {
    let (name, returned) = line.strip_prefix("public func ")?.split_once("() -> ")?;
    let returned = returned.strip_suffix('{')?.trim_end();
    Some(format!("public var {name}: {returned} {{"))
}

/// Returns the first line of a function that the layer above, in the same package, has in a better place.
fn hidden(line: &str) -> Option<String> {
    let rest = line.strip_prefix("public func setLogger(")?;
    Some(format!("package func setLogger({rest}"))
}

/// Returns a line with a case that begins with a capital, made to begin with a small letter:
/// `case Busy`, `case 3: return .Busy(`, `case let .Busy(reason):`.
fn small(line: &str) -> Option<String> {
    let begin = line.find("case ")? + "case ".len();
    let begin = line.find(" .").map_or(begin, |dot| dot + " .".len());
    let (before, case) = line.split_at(begin);
    if !case.starts_with(char::is_uppercase) {
        return None;
    }
    let end = case.find(|char: char| !char.is_alphanumeric());
    let (name, after) = case.split_at(end.unwrap_or(case.len()));
    Some(format!("{before}{}{after}", name.to_lower_camel_case()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_tells_of_itself_is_a_property() {
        let made = "public func isTransient() -> Bool  {";
        assert_eq!(
            property(made).as_deref(),
            Some("public var isTransient: Bool {")
        );
        for other in [
            "open func status() throws  -> Status  {",
            "public func check(json: String) -> Status  {",
            "public func close()  {",
        ] {
            assert_eq!(property(other), None);
        }
    }

    #[test]
    fn what_the_layer_above_has_is_hidden() {
        let made = "public func setLogger(level: LogLevel)  {\npublic func setLoggers()  {\n";
        let finished = finish(made);
        assert!(
            finished.starts_with(
                "package func setLogger(level: LogLevel)  {\npublic func setLoggers()"
            )
        );
    }

    #[test]
    fn the_cases_of_errors_begin_with_a_small_letter_and_all_else_stays() {
        let made = "\
enum AnError: Swift.Error {
    case TimedOut
    case NotAQueue(path: String)
}
        case 1: return .TimedOut
        case 2: return .NotAQueue(
        case .TimedOut:
        case let .NotAQueue(path):
            value.Other
public func FfiConverterTypeAnError_lift() {
        case Other
";
        let finished = finish(made);
        let wanted = "\
enum AnError: Swift.Error {
    case timedOut
    case notAQueue(path: String)
}
        case 1: return .timedOut
        case 2: return .notAQueue(
        case .timedOut:
        case let .notAQueue(path):
            value.Other
public func FfiConverterTypeAnError_lift() {
        case Other
";
        assert_eq!(finished.split_once("extension Check").unwrap().0, wanted);
        assert!(finished.ends_with("extension XapiVersion: Codable {}\n"));
    }
}
