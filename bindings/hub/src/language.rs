//! The choice of a language from a language map (RFC 4647 lookup over `Accept-Language`).

/// Returns the tag of a language map that suits the reader best; the first one if none does.
pub fn choose<'a>(tags: &[&'a str], accept: &str) -> Option<&'a str> {
    ranges(accept)
        .into_iter()
        .find_map(|range| lookup(tags, range))
        .or_else(|| tags.first().copied())
}

/// Returns the header's language ranges, the most wanted first.
fn ranges(accept: &str) -> Vec<&str> {
    let mut ranges: Vec<(f32, &str)> = accept
        .split(',')
        .filter_map(|item| {
            let (range, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            let weight = weight.trim().parse().unwrap_or(0.0);
            (weight > 0.0 && !range.trim().is_empty()).then_some((weight, range.trim()))
        })
        .collect();
    ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    ranges.into_iter().map(|(_, range)| range).collect()
}

/// Returns a tag that is the range or a special case of it, or else of the range with its end cut off.
fn lookup<'a>(tags: &[&'a str], range: &str) -> Option<&'a str> {
    let mut wanted = range;
    loop {
        let fits = |tag: &&&str| {
            let head = tag.get(..wanted.len());
            wanted == "*"
                || head.is_some_and(|head| head.eq_ignore_ascii_case(wanted))
                    && matches!(tag.as_bytes().get(wanted.len()), None | Some(b'-'))
        };
        if let Some(tag) = tags.iter().find(fits) {
            return Some(tag);
        }
        wanted = wanted.rsplit_once('-')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_best_language_is_shown() {
        let tags = ["en-US", "de", "fr-CA", "fr"];
        for (accept, best) in [
            ("de", "de"),
            ("DE", "de"),
            ("de-AT", "de"),
            ("fr", "fr-CA"),
            ("en", "en-US"),
            ("en;q=0.5, de;q=0.8", "de"),
            ("ja, *;q=0.1", "en-US"),
            ("ja", "en-US"),
            ("", "en-US"),
            ("de;q=0, fr-CA", "fr-CA"),
            ("e", "en-US"),
        ] {
            assert_eq!(choose(&tags, accept), Some(best), "{accept}");
        }
        assert_eq!(choose(&[], "de"), None);
    }
}
