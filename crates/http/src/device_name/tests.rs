use super::*;

/// User agents of today and the names of their devices, in turns, one a line.
const AGENTS: &str = include_str!("agents_of_today.txt");

#[test]
fn people_recognise_the_devices_of_today() {
    assert!(PATTERNS.is_some());
    let lines: Vec<&str> = AGENTS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 80 && lines.len().is_multiple_of(2), "{}", lines.len());
    for pair in lines.chunks(2) {
        let expected =
            if pair[1] == "=" { pair[0].chars().take(LONGEST_NAME).collect() } else { pair[1].to_owned() };
        assert_eq!(from_user_agent(pair[0]), expected, "{}", pair[0]);
    }
}

#[test]
fn an_empty_user_agent_has_no_name() {
    for nothing in ["", " ", "\t", "\0\u{1b}", "\u{202e}\u{200b}", "\u{3164}\u{180e}"] {
        assert_eq!(from_user_agent(nothing), "Unknown device", "{nothing:?}");
    }
}

// ASVS-map: LG2
#[test]
fn a_hostile_agent_becomes_a_short_name_that_moves_nothing() {
    assert_eq!(from_user_agent("curl\r\n\u{1b}[2J/8\u{202e}.7\0.1"), "curl[2J/8.7.1");
    let firefox =
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0)\u{7f}\u{9b} Gecko/20100101 Fire\u{200d}fox/145.0";
    assert_eq!(from_user_agent(firefox), "Firefox on Linux");
    for long in [
        "x".repeat(100_000),
        "é".repeat(100_000),
        "Mozilla/5.0 (".repeat(10_000),
        "Mozilla/5.0 ".to_owned() + &"(((((".repeat(20_000),
        "Mozilla/5.0 ".to_owned() + &"Android 1.1.1; ".repeat(10_000),
        "Mozilla/5.0 ".to_owned() + &"a".repeat(99_000) + "/1.0 CFNetwork/1.0",
        "Mozilla/5.0 (iPhone) ".to_owned() + &"a".repeat(300) + "/1.0 CFNetwork/1.0",
        "Opera/".to_owned() + &"Bot bot crawler spider/1 ".repeat(10_000),
    ] {
        let name = from_user_agent(&long);
        assert!((1..=LONGEST_NAME).contains(&name.chars().count()), "{name}");
    }
}

#[test]
fn what_stands_beyond_the_cut_does_not_count() {
    let late = format!("Mozilla/5.0 (X11; Linux x86_64) {} Firefox/145.0", "x".repeat(LONGEST_AGENT));
    assert!(!from_user_agent(&late).contains("Firefox"));
}

// ASVS-map: LG2
#[test]
fn a_family_is_out_of_a_list_and_holds_nothing_that_was_typed() {
    for (agent, expected) in [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        ("Mozilla/5.0 (X11; Plan9 x86; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox"),
        ("Mozilla/5.0 (X11; Linux x86_64) Hunter2/1.0", "other"),
        ("curl/8.7.1", "curl"),
        ("python-requests/2.32.3", "python-requests"),
        ("hunter2", "other"),
        ("", "other"),
        ("curl\u{1b}/8", "other"),
        (&"é".repeat(600), "other"),
    ] {
        assert_eq!(family(agent), expected, "{agent}");
    }
}
