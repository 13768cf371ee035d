//! The session cookies in a header `Cookie`.

/// The pairs of these names, as a header of their own: what else a browser holds is none of the server's business, and
/// changes with every visit. `None` if there is none.
pub(crate) fn session_cookies(line: &str, names: &[String]) -> Option<String> {
    let pairs = line.split(';').map(|pair| pair.trim_matches([' ', '\t']));
    let is_ours = |key: &str| names.iter().any(|name| name == key.trim_end());
    let ours = pairs.filter(|pair| pair.split_once('=').is_some_and(|(key, _)| is_ours(key)));
    let ours: Vec<&str> = ours.collect();
    (!ours.is_empty()).then(|| ours.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: CK4
    #[test]
    fn only_pairs_of_exactly_this_name_are_shown_to_the_server_and_all_of_them_are() {
        let of = |line| session_cookies(line, &["connect.sid".to_owned()]);
        assert_eq!(of("a=1; connect.sid=s%3Ax.y; b=2").as_deref(), Some("connect.sid=s%3Ax.y"));
        assert_eq!(of("connect.sid=1;connect.sid=2").as_deref(), Some("connect.sid=1; connect.sid=2"));
        for none in ["", "connect.sid", "CONNECT.SID=1", "=connect.sid=1", "xconnect.sid=1", "connect.sid2=1"]
        {
            assert_eq!(of(none), None, "{none}");
        }
        let either = ["__Host-connect.sid", "connect.sid"].map(str::to_owned);
        let both = session_cookies("connect.sid=1; sid=3; __Host-connect.sid=2", &either);
        assert_eq!(both.as_deref(), Some("connect.sid=1; __Host-connect.sid=2"));
    }
}
