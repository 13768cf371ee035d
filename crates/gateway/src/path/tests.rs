use http::Uri;
use proptest::prelude::*;

use super::*;

fn read(path: &str) -> Result<RequestPath, PathFault> {
    RequestPath::read(&Uri::builder().path_and_query(path).build().unwrap())
}

fn target(path: &str) -> String {
    read(path).unwrap().target().to_string()
}

// ASVS-map: GW3
#[test]
fn what_servers_read_in_different_ways_is_refused() {
    let refused = |fault: PathFault, paths: &[&str]| {
        for path in paths {
            assert_eq!(read(path).map(|path| path.target().to_string()), Err(fault), "{path}");
        }
    };
    refused(
        PathFault::Dots,
        &[
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/a/.",
            "/%2e",
            "/%2E%2E/b",
            "/a/.%2e/b",
            "/a/%2e./b",
            "/..;/b",
            "/..;x=1/b",
            "/.;/b",
            "/a/..;",
            "/a/%2e%2e;x/b",
            "/..%3b/b",
            "/.%3Bx/b",
            "/a/..%2fb",
            "/a/b%2f..%2fc",
            "/a/%2f../c",
            "/%252e%252e/b",
            "/%25%32%65%25%32%65/b",
            "/a/..%252fb",
            "/a/%2525%32%65./..",
        ],
    );
    refused(PathFault::Backslash, &["/a\\b", "/a%5cb", "/a%5Cb", "/%5c..%5c", "/..\\b", "/a/\\../b"]);
    refused(
        PathFault::Control,
        &["/a%00", "/%00", "/a%0a", "/a%0d%0ab", "/a%09b", "/a%7f", "/%C2%85", "/%c2%9b31m", "/a%1b[2J"],
    );
    refused(
        PathFault::NotUtf8,
        &[
            "/%ff",
            "/a%c0%ae%c0%ae/b",
            "/%c0%af",
            "/%e0%80%af",
            "/%ed%a0%80",
            "/%fe%ff",
            "/a%c3",
            "/%f5%80%80%80",
        ],
    );
    refused(
        PathFault::Percent,
        &["/%", "/a%2", "/a%zz", "/%u002e", "/%%32%65", "/a%2/b", "/%é1", "/a% 2e"].map(|p| {
            // A space cannot stand in a request target.
            if p == "/a% 2e" { "/a%+2e" } else { p }
        }),
    );
    refused(PathFault::NoPath, &["*"]);
}

// ASVS-map: GW3
#[test]
fn what_is_ambiguous_passes_only_where_a_route_keeps_it() {
    for path in [
        "//", "//a", "/a//b", "/a//", "/a%2fb", "/a%2Fb", "/%2f", "/a%25b", "/a%2525", "/%2561", "/;/a",
        "/%3b/a", "/a/;x",
    ] {
        assert!(read(path).unwrap().is_ambiguous(), "{path}");
    }
    for path in
        ["/", "/a", "/a/", "/a/b;x=1", "/a%20b", "/a%3Bb", "/%C3%A9", "/a+b", "/@me:x", "/a?b=%2f//%25"]
    {
        assert!(!read(path).unwrap().is_ambiguous(), "{path}");
    }
}

/// As slow as it gets: each time all that is encoded.
fn decoded_again_and_again(text: &str) -> Vec<u8> {
    let mut text = text.as_bytes().to_owned();
    loop {
        let again = percent_encoding::percent_decode(&text).collect::<Vec<u8>>();
        if again == text {
            return text;
        }
        text = again;
    }
}

proptest! {
    #[test]
    fn one_pass_decodes_as_much_as_decoding_again_and_again(
        pieces in prop::collection::vec(prop::sample::select(&["%", "2", "5", "e", "E", "3", ".", "/", "%25", "%2"][..]), 0..24)
    ) {
        let text = pieces.concat();
        prop_assert_eq!(percent::decoded_to_the_end(&text), decoded_again_and_again(&text));
    }
}

// ASVS-map: GW3
#[test]
fn percent_signs_that_are_encoded_over_and_over_cost_no_more_than_their_length() {
    let nested = "25".repeat(30_000);
    assert_eq!(read(&format!("/%{nested}2e")), Err(PathFault::Dots));
    assert!(read(&format!("/%{nested}2ex")).unwrap().is_ambiguous());
}

#[test]
fn what_is_forwarded_is_the_string_that_was_matched_in_the_clients_case() {
    for (sent, forwarded) in [
        ("/", "/"),
        ("/Reports/Ann", "/Reports/Ann"),
        ("/%52eports/%61%7e%2d%5f", "/Reports/a~-_"),
        ("/a%20b/%c3%a9", "/a%20b/%C3%A9"),
        ("/a;x=1/b", "/a;x=1/b"),
        ("/a%3bx", "/a%3Bx"),
        ("/a/?q=%zz&r=..%2f\\", "/a/?q=%zz&r=..%2f\\"),
        ("/a%2fb//c%25", "/a%2Fb//c%25"),
        ("/é/漢", "/é/漢"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b", "/a..b"),
    ] {
        assert_eq!(target(sent), forwarded, "{sent}");
    }
}

#[test]
fn the_path_is_no_other_one_after_it_was_forwarded() {
    for path in ["/%52eports;x=%41", "/a%2fb//c%25", "/%c3%a9"] {
        assert_eq!(target(&target(path)), target(path));
    }
}

proptest! {
    #[test]
    fn a_path_that_passes_has_no_dot_segment_to_any_server(path in any_path()) {
        let Ok(uri) = Uri::builder().path_and_query(path.as_str()).build() else { return Ok(()) };
        let Ok(read) = RequestPath::read(&uri) else { return Ok(()) };
        let mut text = read.target().path().to_owned();
        // However often a server decodes, and whatever it takes for a slash and for the end of a name.
        for _ in 0..4 {
            for segment in text.split(['/', '\\']) {
                let name = segment.split(';').next().unwrap();
                prop_assert!(name != "." && name != "..", "{} → {}", path, text);
            }
            text = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        }
        let again = RequestPath::read(&Uri::builder().path_and_query(read.target().clone()).build().unwrap());
        prop_assert_eq!(again.unwrap(), read, "reading is idempotent");
    }
}

fn any_path() -> impl Strategy<Value = String> {
    let meant = prop::sample::select(
        &[
            "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "%25", ";", "%3b", "\\", "a", "B", "%00", "%c3%a9",
            "//",
        ][..],
    );
    prop::collection::vec(meant, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}
