//! The exit codes of the commands, and the messages of those that fail.

use pannier::lrs::InvalidEndpoint;

/// Failure of a command: an exit code and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code; [`EXIT_CODES`] says what each means.
    pub code: u8,
    /// Text for standard error; empty if all is said already.
    pub text: String,
}

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes; of several that would be right it is the one that stands first here:
  2  the arguments are wrong, or a file they name
  3  the queue (or the hub's store) is not there, or cannot be opened or written; or too few files
     may be open at once; or the hub's port is taken
  5  after `status` and `sync`: statements were lost with a damaged file, and nobody has said
     `pannier status --acknowledge`. The other commands tell of it, and end as they would without
  4  not all is delivered yet: the LRS cannot be reached, asks for time or refuses the credentials,
     another process is delivering, or statements wait for something; nothing is lost. After
     `doctor`: nothing would be delivered
  1  part of the work failed: a statement is not valid, is held, or is not there. After `doctor`:
     somebody should look at something
  6  all is done as with 0, but not all that there was to say could be written, as on a full disk:
     do not do it again. A reader that has read enough (`| head`) is no such case
  0  all is done; after a sync: nothing in this queue is undelivered";

impl Failure {
    /// Returns a failure with code 1: part of the work failed.
    pub fn work(text: impl Into<String>) -> Self {
        Self {
            code: 1,
            text: text.into(),
        }
    }

    /// Returns a failure with code 2: what the user gave is wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self {
            code: 2,
            text: text.into(),
        }
    }

    /// Returns a failure with code 3: the queue or the hub cannot be opened.
    pub fn open(text: impl Into<String>) -> Self {
        Self {
            code: 3,
            text: text.into(),
        }
    }

    /// Joins two failures: the more urgent code and both texts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let urgency = |code: u8| [2, 3, 5, 4, 1, 6].iter().position(|one| *one == code);
        let code = match (urgency(self.code), urgency(other.code)) {
            (Some(ours), Some(theirs)) if theirs < ours => other.code,
            (None, Some(_)) => other.code,
            _ => self.code,
        };
        let texts = [self.text, other.text];
        let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        Self {
            code,
            text: texts.join("\n"),
        }
    }

    /// Returns a failure with code 5: something was lost, which was reported when the queue was opened.
    pub fn lost() -> Self {
        Self {
            code: 5,
            text: String::new(),
        }
    }

    /// Returns a failure with code 6: the work is done, but could not be reported.
    pub fn untold(text: impl Into<String>) -> Self {
        Self {
            code: 6,
            text: text.into(),
        }
    }

    /// Returns a failure with code 4: the LRS has not taken everything.
    pub fn undelivered(text: impl Into<String>) -> Self {
        Self {
            code: 4,
            text: text.into(),
        }
    }
}

impl From<pannier::Error> for Failure {
    fn from(error: pannier::Error) -> Self {
        let text = error.to_string();
        match error {
            // Nothing is the matter with the file.
            pannier::Error::Store(pannier::StoreError::TooManyUpstreams) => Self::work(text),
            pannier::Error::Store(_) => Self::open(text),
            pannier::Error::Endpoint(InvalidEndpoint::Cleartext) => Self::usage(
                "the LRS's address begins with http://, and everybody on the way could read the \
                 credentials: give its https:// address, or say --allow-cleartext where nobody is on the \
                 way but you",
            ),
            pannier::Error::Endpoint(_)
            | pannier::Error::Credentials(_)
            | pannier::Error::Config { .. }
            | pannier::Error::UpstreamName { .. } => Self::usage(text),
            pannier::Error::NoUpstream { name } => Self::usage(format!(
                "the queue has no upstream {name:?}; `pannier upstream list` shows which ones it has"
            )),
            pannier::Error::OtherUpstream { name } => Self::usage(format!(
                "the queue has an upstream {name:?} already, with another endpoint or another route; change it \
                 with `pannier upstream set`, or choose another name"
            )),
            pannier::Error::UpstreamNotEmpty { name, left } => Self::work(format!(
                "{name:?} is still to get {left}: deliver first, or give up with --discard what it has not got"
            )),
            pannier::Error::MainStays => Self::usage(
                "the upstream \"main\" stays, and gets every statement; --lrs names its LRS",
            ),
            pannier::Error::NoEndpoint => Self::usage(super::advice::without_lrs("main")),
            _ => Self::work(text),
        }
    }
}
