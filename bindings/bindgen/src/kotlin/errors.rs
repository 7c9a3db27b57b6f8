//! Groups of the kinds of `PannierException` that an app can catch: what is wrong is the statement, the moment, the
//! set-up or the file. Each kind is in one, except `Panicked`, which is nobody's mistake but the code's.

const BASE: &str = "sealed class PannierException: kotlin.Exception() {";

struct Group {
    name: &'static str,
    what: &'static str,
    kinds: &'static [&'static str],
}

const GROUPS: [Group; 4] = [
    Group {
        name: "NotAccepted",
        what: "A statement cannot be taken in as it is: the same again fails again.",
        kinds: &[
            "Invalid",
            "ContentMissing",
            "ContentMismatch",
            "ContentUnused",
            "OtherContent",
        ],
    },
    Group {
        name: "WrongState",
        what: "It cannot be done now, as things stand: with that statement, that upstream or this collector.",
        kinds: &[
            "Unknown",
            "NotHeld",
            "NotInConflict",
            "MayHaveBeenSent",
            "UpstreamNotEmpty",
            "Paused",
            "Reentrant",
            "Closing",
        ],
    },
    Group {
        name: "Setup",
        what: "What the app has said of where and how to deliver cannot be used, or is missing.",
        kinds: &[
            "NoEndpoint",
            "InvalidEndpoint",
            "InvalidCredentials",
            "InvalidConfig",
            "NoTransport",
            "NoUpstream",
            "OtherUpstream",
            "UpstreamName",
            "TooManyUpstreams",
            "MainStays",
        ],
    },
    Group {
        name: "QueueFile",
        what: "Something is wrong with the file of the queue, or with the disk that it is on.",
        kinds: &[
            "DiskFull",
            "Busy",
            "Newer",
            "Missing",
            "NotAQueue",
            "Damaged",
            "ReadOnly",
            "CannotOpen",
            "Unplaced",
            "PartlyErased",
            "Storage",
        ],
    },
];

const ALONE: &str = "Panicked";

/// Puts the kinds into their groups, and makes the explanation that each has readable where a group is caught.
pub fn group(bindings: &str) -> Result<String, String> {
    let mut grouped = String::with_capacity(bindings.len() + 4096);
    let (mut inside, mut kind) = (false, "");
    for line in bindings.lines() {
        let text = line.trim_start();
        match line {
            BASE => inside = true,
            "}" => inside = false,
            _ => {}
        }
        if inside && let Some(rest) = text.strip_prefix("class ") {
            kind = rest.split('(').next().unwrap_or(rest);
        }
        let line = if !inside {
            line.to_owned()
        } else if let Some(head) = line.strip_suffix(" : PannierException() {") {
            format!("{} : {}() {{", explained(head), base_of(kind)?)
        } else {
            explained(line)
        };
        grouped.push_str(&line);
        grouped.push('\n');
        if line == BASE {
            grouped.push_str(&heads());
        }
    }
    Ok(grouped)
}

fn explained(line: &str) -> String {
    line.replace("val `explanation`:", "override val `explanation`:")
}

fn heads() -> String {
    let explanation = "    /** English for developers: what to do next. */\n    abstract val explanation: kotlin.String\n";
    let groups = GROUPS.iter().map(|Group { name, what, .. }| {
        format!("\n    /** {what} */\n    sealed class {name} : PannierException()\n")
    });
    explanation.to_owned() + &groups.collect::<String>()
}

fn base_of(kind: &str) -> Result<&'static str, String> {
    let group = GROUPS.iter().find(|group| group.kinds.contains(&kind));
    match group {
        Some(group) => Ok(group.name),
        None if kind == ALONE => Ok("PannierException"),
        None => Err(format!(
            "PannierException.{kind} is in no group: see bindings/bindgen/src/kotlin/errors.rs"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_in_its_group_and_tells_its_explanation() {
        let made = "\
class Other(val `explanation`: kotlin.String) : PannierException() {
}
sealed class PannierException: kotlin.Exception() {
    class Paused(
        val `explanation`: kotlin.String
        ) : PannierException() {
    }
    class Panicked(val `explanation`: kotlin.String) : PannierException() {
    }
}
class Other(val `explanation`: kotlin.String)
";
        let wanted = "\
class Other(val `explanation`: kotlin.String) : PannierException() {
}
sealed class PannierException: kotlin.Exception() {
"
        .to_owned()
            + &heads()
            + "    class Paused(
        override val `explanation`: kotlin.String
        ) : WrongState() {
    }
    class Panicked(override val `explanation`: kotlin.String) : PannierException() {
    }
}
class Other(val `explanation`: kotlin.String)
";
        assert_eq!(group(made), Ok(wanted));
        let unknown = made.replace("Panicked", "Novel");
        assert!(group(&unknown).is_err_and(|told| told.contains("Novel")));
    }
}
