//! A whole run: set the stage, go round the cases, then the storm, then the tables.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_bench::allocation_counter::ALLOCATION_COUNTER;
use portcullis_bench::bare_server::BareServer;
use portcullis_bench::device::Outbox;
use portcullis_bench::http::HttpConnection;
use portcullis_bench::server::{ReservedAddress, Server, beside_this_program};
use portcullis_bench::strategy::StrategyUnderTest;

use crate::BenchPlan;
use crate::cases::{Case, CaseKind, USERS};
use crate::counts::{self, CounterSockets, RequestCounts};
use crate::docs_page;
use crate::error::BenchError;
use crate::machine::Machine;
use crate::process::{forget_peak, memory};
use crate::report::Findings;
use crate::round::{BenchFixture, Figures};
use crate::users::BenchUsers;
use crate::{storm, timing};

const STORM: &str = "storm";
const TIMING: &str = "timing";

/// Measures what the plan says, prints the tables, and writes them into the page if it says so.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn run(plan: &BenchPlan) -> Result<(), BenchError> {
    let cases = chosen(plan)?;
    let includes = |part: &str| plan.only.as_deref().is_none_or(|only| only == part);
    let directory = tempfile::tempdir()?;
    let mut findings = Findings::default();
    if includes(TIMING) {
        findings.timing = timing::measure(plan, directory.path()).await?;
    }
    if plan.only.as_deref() != Some(TIMING) {
        go_over_all(plan, &cases, includes(STORM), directory.path(), &mut findings).await?;
    }
    publish(plan, &findings)
}

async fn go_over_all(
    plan: &BenchPlan,
    cases: &[Case],
    with_storm: bool,
    directory: &Path,
    findings: &mut Findings,
) -> Result<(), BenchError> {
    let fixture = set(plan, &directory.join("data"), None).await?;
    let pid = fixture.server.pid();
    findings.memory.push(("signed up and idle", memory(pid)));
    if !cases.is_empty() {
        findings.cases = go_round(plan, &fixture, cases).await?;
        findings.memory.push(("after all cases", memory(pid)));
        findings.counts = count(plan, &fixture, cases, &directory.join("counting")).await?;
    }
    if with_storm {
        forget_peak(pid);
        findings.storm = storms(plan, &fixture).await?;
        findings.memory.push(("after the storm, its peak", memory(pid)));
    }
    Ok(())
}

fn chosen(plan: &BenchPlan) -> Result<Vec<Case>, BenchError> {
    match plan.only.as_deref() {
        None => Ok(Case::all()),
        Some(STORM | TIMING) => Ok(Vec::new()),
        Some(only) => {
            let cases = Case::matching(only);
            let others = [STORM, TIMING].map(str::to_owned);
            let names = || Case::all().into_iter().map(Case::name).chain(others).collect::<Vec<_>>();
            if cases.is_empty() {
                return Err(BenchError::UnknownCase(only.to_owned(), names().join(", ")));
            }
            Ok(cases)
        }
    }
}

/// Starts the server, makes its users, and starts the bare handler with an answer as long as a profile; with sockets,
/// those that count allocations.
async fn set(
    plan: &BenchPlan,
    data_dir: &Path,
    counting: Option<&CounterSockets>,
) -> Result<BenchFixture, BenchError> {
    let (program, bare_program) = programs(plan, counting.is_some())?;
    println!("starting {} and registering {USERS} users", program.display());
    let tcp = ReservedAddress::new()?;
    let listen = tcp.get().to_string();
    let socket = counting.map(|sockets| (ALLOCATION_COUNTER, sockets.server.as_os_str()));
    let variables = [("PORTCULLIS_TCP_LISTEN", OsStr::new(&listen))].into_iter().chain(socket);
    let server = Server::start_with(&program, data_dir, &variables.collect::<Vec<_>>()).await?;
    let people = BenchUsers::register(server.address(), "people", USERS).await?;
    let body_bytes = length_of_a_profile(&server, &people).await?;
    let socket = counting.map(|sockets| (ALLOCATION_COUNTER, sockets.bare.as_os_str()));
    let bare = BareServer::start(&bare_program, body_bytes, socket)?;
    let (outbox, span) = (Outbox::of(data_dir), Duration::from_secs(plan.seconds));
    Ok(BenchFixture { server, bare, tcp, outbox, people, span })
}

/// The programs of the server and of the bare handler.
fn programs(plan: &BenchPlan, counting: bool) -> Result<(PathBuf, PathBuf), BenchError> {
    if counting {
        let beside = || beside_this_program().map(|server| server.with_file_name("portcullis-counted"));
        let counted = plan.counted.clone().map_or_else(beside, Ok)?;
        return Ok((counted.clone(), counted));
    }
    Ok((plan.server.clone().map_or_else(beside_this_program, Ok)?, std::env::current_exe()?))
}

async fn length_of_a_profile(server: &Server, people: &BenchUsers) -> Result<usize, BenchError> {
    let signed_in = people.password_sign_in(StrategyUnderTest::Jwt, 1).await?;
    let mut connection = HttpConnection::open(server.address()).await?;
    let mut length = 0;
    for credentials in signed_in {
        let answer = connection.exchange(&StrategyUnderTest::Jwt.profile(&credentials.access)).await?;
        length = answer.body().len();
    }
    Ok(length)
}

async fn go_round(
    plan: &BenchPlan,
    fixture: &BenchFixture,
    cases: &[Case],
) -> Result<Vec<(Case, Vec<Figures>)>, BenchError> {
    let mut found: Vec<(Case, Vec<Figures>)> = cases.iter().map(|case| (*case, Vec::new())).collect();
    for round in 1..=plan.rounds {
        for (case, figures) in &mut found {
            let measured = fixture.measure(*case, round).await?;
            println!("round {round}/{}: {:<22} {:>9.0}/s", plan.rounds, case.name(), measured.rate);
            figures.push(measured);
        }
    }
    Ok(found)
}

/// Counts what the cases take that are bound by handling requests.
async fn count(
    plan: &BenchPlan,
    fixture: &BenchFixture,
    cases: &[Case],
    folder: &Path,
) -> Result<Vec<(Case, RequestCounts)>, BenchError> {
    let cases: Vec<Case> = cases.iter().copied().filter(|case| case.kind() == CaseKind::Requests).collect();
    let mut found = Vec::with_capacity(cases.len());
    if cases.is_empty() {
        return Ok(found);
    }
    fs::create_dir(folder)?;
    let sockets = CounterSockets::in_folder(folder);
    let counting = set(plan, &folder.join("data"), Some(&sockets)).await?;
    for case in cases {
        let counts = counts::count(case, fixture, &counting, &sockets).await?;
        println!("counted: {:<22} {:>7.1} allocations", case.name(), counts.allocations);
        found.push((case, counts));
    }
    Ok(found)
}

async fn storms(plan: &BenchPlan, fixture: &BenchFixture) -> Result<Vec<storm::StormRound>, BenchError> {
    let mut rounds = Vec::new();
    let span = Duration::from_secs(plan.storm_seconds);
    for round in 1..=plan.rounds {
        let measured = storm::measure(fixture.server.address(), &fixture.people, span).await?;
        let p99 = |tally: &crate::tally::Tally| tally.quantile(0.99) / 1000.0;
        let (alone, stormy) = (p99(&measured.alone), p99(&measured.stormy));
        println!("round {round}/{}: storm, p99 {alone:.2} ms alone, {stormy:.2} ms in it", plan.rounds);
        rounds.push(measured);
    }
    Ok(rounds)
}

fn publish(plan: &BenchPlan, findings: &Findings) -> Result<(), BenchError> {
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let rounds = format!(
        "{} rounds of {} s a case, storm {} s + {} s; median (least–most) of the rounds.",
        plan.rounds, plan.seconds, plan.storm_seconds, plan.storm_seconds
    );
    let text = format!("{}. {rounds}\n\n{}", Machine::here(&workspace), findings.tables());
    println!("\n{text}");
    if plan.write {
        docs_page::write(&workspace.join("docs/performance.md"), &text)?;
    }
    Ok(())
}
