//! Proxies that the environment names. One that cannot be used is refused: what the HTTP client cannot read it passes
//! over, and whoever names a proxy does not want to go around it.

use std::env;
use std::ffi::OsString;

use super::{InvalidHttpOptions, proxy_at};

/// Fails if a proxy that would be gone through, for `http://` or `https://`, is named by something else than its URL.
pub(super) fn check_environment() -> Result<(), InvalidHttpOptions> {
    check(|name| env::var_os(name).map(OsString::into_encoded_bytes))
}

fn check(variable: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(), InvalidHttpOptions> {
    for of_scheme in ["HTTP_PROXY", "HTTPS_PROXY"] {
        let named = match named_by(of_scheme, &variable)? {
            None => named_by("ALL_PROXY", &variable)?,
            some => some,
        };
        let Some((name, value)) = named else { continue };
        if variable("REQUEST_METHOD").is_some() {
            return Err(named_wrong(format!(
                "{name} is not gone through where REQUEST_METHOD is set, as in a CGI program, since it may come from \
                 outside; name the proxy itself (`proxy`)"
            )));
        }
        if !is_proxy(&value) {
            return Err(named_wrong(format!(
                "{name} names no proxy by a URL such as http://proxy.example:3128; set it right, or go around it by not \
                 going by the environment (`proxies_from_environment`)"
            )));
        }
    }
    Ok(())
}

fn named_wrong(why: String) -> InvalidHttpOptions {
    InvalidHttpOptions::ProxyOfEnvironment(why)
}

/// Returns the value of the first of both spellings that is set, as the HTTP client reads them.
fn named_by(
    upper: &str,
    variable: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Option<(String, Vec<u8>)>, InvalidHttpOptions> {
    let lower = upper.to_ascii_lowercase();
    match (variable(upper), variable(&lower)) {
        (Some(empty), Some(other)) if empty.is_empty() && !other.is_empty() => Err(named_wrong(
            format!("{upper} is empty, which hides {lower}; unset {upper}, or set it too"),
        )),
        (Some(value), _) if !value.is_empty() => Ok(Some((upper.to_owned(), value))),
        (None, Some(value)) if !value.is_empty() => Ok(Some((lower, value))),
        _ => Ok(None),
    }
}

/// Tells whether it is a URL like that of `--proxy`; its scheme may be missing, as is usual there. Refuses what the
/// client cannot read, and what readers of URLs understand differently.
fn is_proxy(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else {
        return false;
    };
    let url = match text.contains("://") {
        true => text.to_owned(),
        false if text.contains(['/', '?', '#']) => return false,
        false => format!("http://{text}"),
    };
    let (login, host) = match url.split_once('@') {
        Some((login, host)) => (login, host),
        None => ("", url.as_str()),
    };
    let is_plain = url
        .bytes()
        .all(|one| one.is_ascii_alphanumeric() || b"!$&'()*+,-./:;=?@[]_~%#".contains(&one));
    let is_unambiguous = !login.contains(['[', ']']) && !host.contains(['@', '%']);
    is_plain && is_unambiguous && proxy_at(&url).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(variables: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| {
            let mut all = variables.iter();
            let found = all.find(|(one, _)| *one == name);
            found.map(|(_, value)| value.as_bytes().to_vec())
        };
        check(value).err().map(|error| error.to_string())
    }

    #[test]
    fn a_proxy_is_named_by_its_url_with_or_without_its_scheme() {
        for good in [
            "http://proxy.example:3128",
            "https://ann:p%40ss@proxy.example/",
            "proxy.example:3128",
            "proxy",
            "http://[::1]:3128",
            "",
        ] {
            assert_eq!(refused(&[("ALL_PROXY", good)]), None, "{good}");
        }
        for bad in [
            "http://",
            "http//proxy.example:3128",
            "proxy.example:3128/",
            "http://proxy.example:port",
            "socks5://proxy.example:1080",
            "http://proxy example",
            "http://ann:p@ss@proxy.example",
            "http://ann:p[ss@proxy.example",
            "http://pr%6fxy.example",
            " http://proxy.example",
            "http://ann:secret|@proxy.example",
        ] {
            let text = refused(&[("https_proxy", bad)]).unwrap_or_else(|| panic!("{bad}"));
            assert!(text.starts_with("https_proxy names no proxy"), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn only_what_would_be_gone_through_is_looked_at() {
        let socks = "socks5://proxy.example:1080";
        let good = "http://proxy.example:3128";
        let with = |http, https| refused(&[("ALL_PROXY", socks), http, https]);
        assert_eq!(with(("http_proxy", good), ("HTTPS_PROXY", good)), None);
        let text = with(("HTTP_PROXY", ""), ("HTTPS_PROXY", good));
        assert!(text.is_some_and(|text| text.starts_with("ALL_PROXY names")));
        let in_cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", good)];
        let text = refused(&in_cgi);
        assert!(text.is_some_and(|text| text.starts_with("HTTP_PROXY is not gone through")));
        assert_eq!(refused(&in_cgi[..1]), None);
        let text = refused(&[("HTTPS_PROXY", ""), ("https_proxy", good)]);
        assert!(text.is_some_and(|text| text.contains("hides https_proxy")));
    }
}
