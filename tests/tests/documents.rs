//! Whatever a document points to is there: each link in a `.md` file of this repository that is none to the web.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository")
}

/// Those that git knows: nothing that was installed or built.
fn documents(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "*.md"])
        .current_dir(root)
        .output()
        .expect("git");
    let names = String::from_utf8(listed.stdout).expect("names");
    names.lines().map(|name| root.join(name)).collect()
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands in `](…)`.
fn links(text: &str) -> Vec<&str> {
    let parts = text.split("](").skip(1);
    let links = parts.filter_map(|part| part.split_once(')').map(|(link, _)| link));
    links
        .map(|link| link.split(' ').next().unwrap_or(link))
        .collect()
}

/// Anchors of its headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let mut times: HashMap<String, usize> = HashMap::new();
    let anchor = |line: &str| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let before = times.entry(anchor.clone()).or_default();
        *before += 1;
        match *before {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = root();
    let documents = documents(&root);
    assert!(documents.len() > 20, "{} documents", documents.len());
    let mut checked = 0;
    let mut broken = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).expect("it is there");
        for link in links(&prose(&text)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().expect("a folder").join(file),
            };
            let leads = match fs::read_to_string(&target) {
                Ok(found) => anchor.is_empty() || anchors(&found).contains(anchor),
                // A folder, or a picture.
                Err(_) => target.exists() && anchor.is_empty(),
            };
            if !leads {
                let name = document.strip_prefix(&root).unwrap_or(document);
                broken.push(format!("{}: {link}", name.display()));
            }
        }
    }
    assert!(checked > 50, "{checked} links");
    assert!(broken.is_empty(), "{broken:#?}");
}
