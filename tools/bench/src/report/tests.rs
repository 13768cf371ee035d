use portcullis_bench::strategy::StrategyUnderTest;

use super::*;

fn rounds(rates: [f64; 2]) -> Vec<Figures> {
    let figures = |rate| Figures { rate, p50: 1000.0, p99: 2000.0, processor: None, client: None, busy: 1 };
    rates.map(figures).to_vec()
}

#[test]
fn a_row_names_its_case_and_compares_it_with_its_base() {
    let cases = vec![
        (Case::Hash, rounds([50.0, 100.0])),
        (Case::Login(StrategyUnderTest::Jwt), rounds([40.0, 90.0])),
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
            "–",
            "0.85 (0.80–0.90)",
            "2",
            ""
        ]
    );
    assert!(!text.contains("### Checks"), "a table without rows is left out: {text}");
}

#[test]
fn what_was_counted_has_a_table_and_what_could_not_be_counted_a_dash() {
    let of = |case, system_calls| (case, RequestCounts { allocations: 12.34, bytes: 2000.6, system_calls });
    let counts = vec![of(Case::Reference, Some(2.125)), of(Case::BareServer, None)];
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
