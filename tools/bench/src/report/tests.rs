use portcullis_bench::strategy::StrategyUnderTest;
use portcullis_bench::tally::TallySummary;

use super::*;
use crate::cases::{BenchTransport, ProxyCase, RefreshCase, VERIFIED};
use crate::round::ProcessorUse;

fn rounds(rates: [f64; 2]) -> Vec<Figures> {
    let summary = |rate| TallySummary { count: 1, rate, p50: 1000.0, p99: 2000.0, max: 9000.0 };
    let of = |rate| Figures { summary: summary(rate), used: None, busy: 1, resident: Some(20_480) };
    rates.map(of).to_vec()
}

#[test]
fn a_row_names_its_case_and_compares_it_with_its_base() {
    let cases = vec![
        (Case::Hash, rounds([50.0, 100.0])),
        (Case::Login(StrategyUnderTest::Jwt, 4), rounds([40.0, 90.0])),
    ];
    let text = Findings { cases, ..Findings::default() }.tables();
    let row = text.lines().find(|line| line.contains("login jwt")).unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(
        cells,
        [
            "",
            "login jwt",
            "65.0 (40.0–90.0)",
            "1.00 (1.00–1.00)",
            "2.00 (2.00–2.00)",
            "9.00 (9.00–9.00)",
            "–",
            "0.85 (0.80–0.90)",
            "2",
            "20.0 (20.0–20.0)",
            ""
        ]
    );
    assert!(!text.contains("### Checks"), "a table without rows is left out: {text}");
}

/// Cases with so many answers a second, and microseconds of the server and of what it asks.
fn findings(cases: &[(Case, f64, f64, Option<f64>)]) -> Findings {
    let of = |(case, rate, server, asked): &(Case, f64, f64, Option<f64>)| {
        let used = Some(ProcessorUse { server: *server, asked: *asked, client: 7.0 });
        (*case, rounds([*rate; 2]).into_iter().map(|round| Figures { used, ..round }).collect())
    };
    Findings { cases: cases.iter().map(of).collect(), ..Findings::default() }
}

/// The cell of a row below a heading.
fn cell<'t>(text: &'t str, row: &str, heading: &str) -> &'t str {
    let line = text.lines().position(|line| line.starts_with(&format!("| {row} "))).unwrap();
    let above = text.lines().take(line).filter(|line| line.contains(heading)).last().unwrap();
    let column = above.split('|').position(|title| title.trim() == heading).unwrap();
    text.lines().nth(line).unwrap().split('|').nth(column).unwrap().trim()
}

#[test]
fn a_check_is_compared_with_the_bare_handler_of_its_own_strategy() {
    let (jwt, session) = (StrategyUnderTest::Jwt, StrategyUnderTest::Session);
    let text = findings(&[
        (Case::Bare(jwt), 100.0, 10.0, None),
        (Case::Profile(jwt), 80.0, 15.0, None),
        (Case::Bare(session), 200.0, 5.0, None),
        (Case::Profile(session), 80.0, 15.0, None),
        (Case::Guard(session), 150.0, 6.5, None),
    ])
    .tables();
    let of_bare = "CPU of bare (goal: 1.5; cookie: 1.7)";
    assert_eq!(cell(&text, "profile jwt", of_bare), "1.50 (1.50–1.50)");
    assert_eq!(cell(&text, "profile session", of_bare), "3.00 (3.00–3.00)");
    assert_eq!(cell(&text, "bare jwt", of_bare), "–");
    assert_eq!(cell(&text, "profile session", "rate of bare"), "0.40 (0.40–0.40)");
    assert_eq!(cell(&text, "guard session", "more than bare µs (goal: 2)"), "1.50 (1.50–1.50)");
}

#[test]
fn a_verifiers_guard_is_compared_with_the_bare_handler_and_with_the_guard_of_an_engine() {
    let [bare, guard] = [Case::Bare, Case::Guard].map(|case| case(VERIFIED));
    let text = findings(&[
        (bare, 100.0, 10.0, None),
        (guard, 90.0, 12.0, None),
        (Case::VerifierGuard, 80.0, 12.6, None),
    ])
    .tables();
    assert!(text.contains("### Guards\n"), "{text}");
    let [more, of_engine] = ["more than bare µs (goal: 2)", "CPU of the guard of an engine (goal: 1.05)"];
    assert_eq!(cell(&text, "verifier guard", more), "2.60 (2.60–2.60)");
    assert_eq!(cell(&text, "verifier guard", of_engine), "1.05 (1.05–1.05)");
    assert_eq!(cell(&text, "guard session-jwt", of_engine), "–");
}

#[test]
fn a_gateway_is_compared_with_nginx_that_passes_on_and_with_nginx_that_asks() {
    let [plain, asking, connecting, gateway, public] = ProxyCase::ALL.map(Case::Proxy);
    let text = findings(&[
        (plain, 100.0, 20.0, None),
        (asking, 30.0, 50.0, Some(10.0)),
        (connecting, 16.0, 80.0, Some(20.0)),
        (gateway, 80.0, 30.0, Some(0.0)),
        (public, 90.0, 25.0, Some(0.0)),
    ])
    .tables();
    assert!(text.starts_with("### Gateway\n"), "{text}");
    let of = |heading| cell(&text, "gateway", heading);
    assert_eq!(of("rate of nginx proxy (goal: 0.75)"), "0.80 (0.80–0.80)");
    assert_eq!(of("CPU of nginx proxy"), "1.50 (1.50–1.50)");
    assert_eq!(of("rate of auth_request (goal: 2.5)"), "2.67 (2.67–2.67)");
    assert_eq!(of("of auth_request 1.0"), "5.00 (5.00–5.00)");
    assert_eq!(
        (of("CPU of auth_request"), of("with the server's")),
        ("0.60 (0.60–0.60)", "0.50 (0.50–0.50)")
    );
    assert_eq!(cell(&text, "gateway public", "rate of nginx proxy (goal: 0.75)"), "0.90 (0.90–0.90)");
    assert_eq!(cell(&text, "nginx auth_request", "the server's"), "10.0 (10.0–10.0)");
}

#[test]
fn the_memory_of_a_gateway_grows_by_what_its_websockets_take() {
    let moment =
        |when, requests, websockets, resident| GatewayMoment { when, requests, websockets, resident };
    let gateway_memory = vec![
        moment("quiet", 10, 0, 20_480),
        moment("opened", 10, 1_000, 40_480),
        moment("asked", 110, 1_000, 41_504),
        moment("closed", 110, 0, 30_240),
    ];
    let text = Findings { gateway_memory, ..Findings::default() }.tables();
    assert!(text.starts_with("### Memory of the gateway\n"), "{text}");
    let [more, each] = ["more than before MiB", "bytes per open WebSocket"];
    assert_eq!((cell(&text, "quiet", "resident MiB"), cell(&text, "quiet", more)), ("20.0", "–"));
    assert_eq!((cell(&text, "opened", more), cell(&text, "opened", each)), ("19.5", "20480"));
    assert_eq!((cell(&text, "asked", more), cell(&text, "asked", each)), ("1.0", "–"));
    assert_eq!((cell(&text, "closed", more), cell(&text, "closed", each)), ("-11.0", "–"));
}

#[test]
fn a_refresh_is_compared_with_the_store_that_does_the_same() {
    let in_turn = Case::Refresh(RefreshCase::InTurn);
    let store = in_turn.bases()[0];
    let text = findings(&[(store, 100.0, 10.0, None), (in_turn, 60.0, 80.0, None)]).tables();
    assert_eq!(cell(&text, "refresh in turn", "of the store (goal: 0.5)"), "0.60 (0.60–0.60)");
    assert_eq!(cell(&text, "refresh in turn", "p99 ÷ p50 (goal: 5)"), "2.00 (2.00–2.00)");
    assert_eq!(cell(&text, "refresh in turn", "goal"), "CPU 90");
    assert_eq!(cell(&text, "store rotate in turn", "of the store (goal: 0.5)"), "–");
}

#[test]
fn the_peer_is_compared_with_our_check_with_and_without_its_redis() {
    let ours = Case::Peer.bases()[1];
    let found = findings(&[(ours, 90.0, 10.0, None), (Case::Peer, 60.0, 16.0, Some(4.0))]);
    let text = found.tables();
    let peer = |heading| cell(&text, "peer tower-sessions", heading);
    assert_eq!(peer("our rate ÷ its (goal: 1.5)"), "1.50 (1.50–1.50)");
    assert_eq!(peer("its CPU ÷ ours (goal: 1.5)"), "1.60 (1.60–1.60)");
    assert_eq!((peer("Redis'"), peer("with Redis'")), ("4.00 (4.00–4.00)", "2.00 (2.00–2.00)"));
    assert!(found.headlines().contains("| 1.50 × its rate; it takes 1.60 × our processor time"));
    assert!(!findings(&[(ours, 90.0, 10.0, None)]).tables().contains("Redis"), "there is no peer");
}

#[test]
fn the_readme_shows_what_was_measured_and_nothing_else() {
    let in_turn = (Case::Refresh(RefreshCase::InTurn), 8000.4, 80.0, None);
    let starts = vec![Starts { sessions: 1_000_000, mebibytes: 700, millis: vec![51.0, 49.0] }];
    let text = Findings { starts, ..findings(&[in_turn]) }.headlines();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert_eq!(
        cell(&text, "100,000 sessions refreshed in turn", "result"),
        "8000/s, p99 2.0 ms, at most 9 ms"
    );
    assert_eq!(cell(&text, "start with a million sessions", "command"), "`cargo xtask bench --only start`");
}

#[test]
fn the_readme_says_how_soon_verifiers_refuse_and_how_the_gateway_stands_beside_nginx() {
    let proxies = [
        (Case::Proxy(ProxyCase::Nginx), 100.0, 10.0, None),
        (Case::Proxy(ProxyCase::GatewayPublic), 70.0, 15.0, None),
    ];
    let of = |verifiers, refusal| VerifierFindings {
        verifiers,
        refusals: vec![refusal; 100],
        last: vec![refusal],
        quiet: 0.123,
        busy: 0.2,
    };
    let text = Findings { verifiers: vec![of(3, 1.0), of(1_000, 80.4)], ..findings(&proxies) }.headlines();
    let told = cell(&text, "a sign-out, refused by verifiers in other processes", "result");
    assert_eq!(told, "p99 80 ms with 1000 of them, which take 12 % of a core of the server");
    let gateway = cell(&text, "a public route of the gateway, beside nginx as a plain proxy", "result");
    assert_eq!(gateway, "70/s, p99 2.0 ms, 0.70 of its rate");
}

#[test]
fn what_was_counted_has_a_table_and_what_could_not_be_counted_a_dash() {
    let of = |case, system_calls| (case, RequestCounts { allocations: 12.34, bytes: 2000.6, system_calls });
    let counts = vec![of(Case::Reference, Some(2.125)), of(Case::Bare(StrategyUnderTest::Jwt), None)];
    let text = Findings { counts, ..Findings::default() }.tables();
    let rows: Vec<_> = text.lines().filter(|line| line.contains("12.3")).collect();
    assert!(text.starts_with("### What a request takes\n"), "{text}");
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].contains("2001") && rows[0].contains("2.12") && rows[1].contains('–'), "{text}");
}

#[test]
fn what_goes_over_tcp_is_compared_with_the_same_over_http() {
    let of = |transport, rates| (Case::Sessions(transport), rounds(rates));
    let cases = vec![of(BenchTransport::Http, [100.0, 200.0]), of(BenchTransport::Tcp, [60.0, 80.0])];
    let text = Findings { cases, ..Findings::default() }.tables();
    assert!(text.starts_with("### Over TCP\n"), "{text}");
    let row = text.lines().find(|line| line.contains("sessions tcp")).unwrap();
    assert!(row.trim_end_matches(['|', ' ']).ends_with("0.50 (0.40–0.60)"), "{row}");
}

#[test]
fn the_storm_counts_its_refusals_over_all_rounds() {
    let storm_round = || {
        let mut round = StormRound { alone: Tally::new(), stormy: Tally::new(), logins: Tally::new() };
        round.alone.done(std::time::Duration::from_millis(1));
        round.stormy.done(std::time::Duration::from_millis(2));
        round.logins.refused(true);
        round
    };
    let text = Findings { storm: vec![storm_round(), storm_round()], ..Findings::default() }.tables();
    let cell = |name: &str| {
        let row = text.lines().find(|line| line.contains(name)).unwrap();
        row.split('|').nth(2).unwrap().trim().to_owned()
    };
    assert_eq!(cell("with Retry-After"), "2");
    assert_eq!(cell("in the storm ÷ alone"), "2.00 (2.00–2.00)");
}
