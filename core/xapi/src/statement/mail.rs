//! Mail addresses as identifiers.

/// Folds a `mailto:` IRI to the spelling used for comparison: letter case means nothing in the domain, and may
/// mean something before it (Data 2.4.2.3).
pub(super) fn fold(mailto: &str) -> String {
    match mailto.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => mailto.to_owned(),
    }
}
