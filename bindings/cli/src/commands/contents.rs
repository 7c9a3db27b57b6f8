//! Contents of attachments, as files that stand beside the statements. By its SHA-2 alone is one found, whatever its
//! file is called (1.0.3 Data 2.4.11; 2.0.0 4.1.3).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use pannier::Content;
use pannier::collector::Recordable;
use pannier::statement::{Fault, LONGEST_CONTENTS, Prepared, XapiVersion};
use pannier_signature::{Contents, Hashes};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Failure, input};
use crate::terminal::one_line;

/// Where contents are.
#[derive(Args, Debug)]
pub struct ContentArgs {
    /// A file with the content of an attachment; may be given several times
    ///
    /// By its SHA-2 is it found, whatever its name. With this, statements may have attachments without a
    /// fileUrl, and each of those has to have its content.
    #[arg(long, value_name = "FILE")]
    content: Vec<PathBuf>,

    /// A folder whose files are contents of attachments; others in it do no harm
    #[arg(long, value_name = "DIR")]
    contents: Vec<PathBuf>,
}

/// Largest content that is read into memory, as a signature is: others are only hashed.
const LONGEST: u64 = 64 << 20;

/// The contents that were given.
#[derive(Default)]
pub struct GivenContents {
    contents: Vec<Given>,
    /// Places of contents, by their hashes in lower case.
    by_sha2: HashMap<String, usize>,
}

struct Given {
    place: String,
    source: Source,
    octets: u64,
    /// Tells whether an attachment has to name it.
    is_expected: bool,
    is_used: bool,
}

enum Source {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl ContentArgs {
    /// Hashes all that was given; `None` if nothing was.
    pub fn read(&self) -> Result<Option<GivenContents>, Failure> {
        if self.content.is_empty() && self.contents.is_empty() {
            return Ok(None);
        }
        let mut given = GivenContents::default();
        for file in &self.content {
            given
                .add(file, true)
                .map_err(|error| cannot(file, &error))?;
        }
        for folder in &self.contents {
            for file in files(folder).map_err(|error| cannot(folder, &error))? {
                given
                    .add(&file, false)
                    .map_err(|error| cannot(&file, &error))?;
            }
        }
        Ok(Some(given))
    }
}

/// Adds contents that came with the statements to those that were given.
pub fn also(given: &mut Option<GivenContents>, more: input::Contents) -> Result<(), Failure> {
    let given = given.get_or_insert_default();
    given
        .extend(more)
        .map_err(|why| Failure::usage(why.to_string()))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", one_line(path.display())))
}

/// Returns the files of a folder, not those of folders in it.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl GivenContents {
    fn add(&mut self, path: &Path, is_expected: bool) -> io::Result<()> {
        let hashes = Hashes::of(File::open(path)?)?;
        let place = one_line(path.display());
        self.insert(place, Source::File(path.to_owned()), hashes, is_expected);
        Ok(())
    }

    /// Adds contents that came with the statements, each of which an attachment has to name.
    fn extend(&mut self, contents: input::Contents) -> io::Result<()> {
        for (place, content) in contents {
            let hashes = Hashes::of(&content[..])?;
            self.insert(place, Source::Memory(content), hashes, true);
        }
        Ok(())
    }

    /// Adds a content, if it is another one than those before it.
    fn insert(&mut self, place: String, source: Source, hashes: Hashes, is_expected: bool) {
        if self.by_sha2.contains_key(&hashes.sha2[0]) {
            return;
        }
        for sha2 in hashes.sha2 {
            self.by_sha2.insert(sha2, self.contents.len());
        }
        self.contents.push(Given {
            place,
            source,
            octets: hashes.octets,
            is_expected,
            is_used: false,
        });
    }

    /// Returns what is wrong with the attachments of a valid statement: one without a `fileUrl` has no content here, or
    /// the content has another length than the attachment says.
    pub fn faults(&mut self, statement: &[u8], rules: XapiVersion) -> Vec<Fault> {
        let Ok(shape) = serde_json::from_slice::<Shape>(statement) else {
            return Vec::new();
        };
        let within = serde_json::from_str::<Shape>(shape.object.map_or("{}", RawValue::get));
        let mut faults = Vec::new();
        for (path, attachments) in [
            ("$.attachments", shape.attachments),
            (
                "$.object.attachments",
                within.map_or_else(|_| Vec::new(), |it| it.attachments),
            ),
        ] {
            for (index, attachment) in attachments.iter().enumerate() {
                let path = format!("{path}[{index}]");
                faults.extend(self.fault(path, attachment, rules));
            }
        }
        faults
    }

    fn fault(
        &mut self,
        path: String,
        attachment: &Attachment,
        rules: XapiVersion,
    ) -> Option<Fault> {
        let sha2 = attachment.sha2.to_ascii_lowercase();
        let fault = |path, problem, expected: &str, sections: [&'static str; 2]| Fault {
            index: None,
            path,
            problem,
            expected: expected.to_owned(),
            section: sections[usize::from(rules == XapiVersion::V2_0_0)],
        };
        let Some(&place) = self.by_sha2.get(&sha2) else {
            return attachment.file_url.is_none().then(|| {
                fault(
                    path,
                    "has no fileUrl, and no content with its sha2 was given".into(),
                    "its content, by --content or --contents",
                    ["xAPI 1.0.3 Communication 1.5.2", "xAPI 2.0.0 4.1.3"],
                )
            });
        };
        let given = &mut self.contents[place];
        given.is_used = true;
        let said = attachment.length.get();
        (said.parse() != Ok(given.octets)).then(|| {
            fault(
                format!("{path}.length"),
                format!("is {said:.40}, and the content has {} octets", given.octets),
                "the length of the content in octets",
                ["xAPI 1.0.3 Data 2.4.11", "xAPI 2.0.0 4.2.2.6"],
            )
        })
    }

    /// Returns the contents that go with a statement, which has no [faults](GivenContents::faults). One that is longer than
    /// any that can be recorded is not read.
    pub fn of(&self, statement: &Prepared) -> Vec<Content> {
        let short = statement
            .attached
            .iter()
            .filter(|attached| attached.length <= LONGEST_CONTENTS as u64);
        let places = short.filter_map(|it| self.by_sha2.get(&it.sha2.to_ascii_lowercase()));
        self.at(places.copied().collect())
    }

    /// Returns those that the attachments of a statement name, and all that were named one by one: what is nobody's is
    /// refused with it.
    pub fn for_one(&self, statement: &[u8], rules: XapiVersion) -> Vec<Content> {
        let attached = Recordable::check(statement, rules).map_or_else(
            |_| Vec::new(),
            |checked| checked.prepared().attached.clone(),
        );
        let named = attached
            .iter()
            .filter_map(|it| self.by_sha2.get(&it.sha2.to_ascii_lowercase()));
        let expected = (0..self.contents.len()).filter(|at| self.contents[*at].is_expected);
        self.at(named.copied().chain(expected).collect())
    }

    fn at(&self, places: BTreeSet<usize>) -> Vec<Content> {
        let octets = places.into_iter().filter_map(|place| self.read(place));
        octets
            .map(|octets| Content::bytes(octets.into_owned()))
            .collect()
    }

    fn read(&self, place: usize) -> Option<Cow<'_, [u8]>> {
        let given = &self.contents[place];
        match &given.source {
            Source::Memory(content) => Some(Cow::Borrowed(content)),
            Source::File(_) if given.octets > LONGEST => None,
            // What cannot be read any more is not at hand.
            Source::File(path) => fs::read(path).ok().map(Cow::Owned),
        }
    }

    /// Returns what to say where one was given that is nobody's.
    pub fn unused_words(&self) -> String {
        let unused = self.unused();
        let words = unused
            .iter()
            .map(|place| format!("{place} is not the content of any attachment"));
        words.collect::<Vec<_>>().join("\n")
    }

    /// Returns where the contents are that were named one by one, or came with statements, and that no statement has.
    fn unused(&self) -> Vec<&str> {
        let unused = self
            .contents
            .iter()
            .filter(|it| it.is_expected && !it.is_used);
        unused.map(|given| &*given.place).collect()
    }
}

impl Contents for GivenContents {
    fn content(&self, sha2: &str) -> Option<Cow<'_, [u8]>> {
        self.read(*self.by_sha2.get(sha2)?)
    }
}

/// A statement or a SubStatement.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default)]
    attachments: Vec<Attachment>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    length: Box<RawValue>,
    sha2: String,
    file_url: Option<String>,
}
