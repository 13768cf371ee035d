//! A whole run: set the stage, go round the cases, then the storm, then the tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_bench::tally::Tally;

use crate::BenchPlan;
use crate::cases::{Case, CaseKind};
use crate::counts::{self, RequestCounts};
use crate::docs_page;
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::machine::Machine;
use crate::process::{forget_peak, memory};
use crate::programs::CounterSockets;
use crate::report::Findings;
use crate::round::Figures;
use crate::{gateway_memory, nginx, shared_stores, start, storm, timing, verifiers};

const STORM: &str = "storm";
const TIMING: &str = "timing";
const START: &str = "start";
const VERIFIERS: &str = "verifiers";
const GATEWAY_MEMORY: &str = "gateway-memory";
/// What is no case.
const PARTS: [&str; 5] = [STORM, TIMING, START, VERIFIERS, GATEWAY_MEMORY];

/// Measures what the plan says, prints the tables, and writes them into the page if it says so.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn run(plan: &BenchPlan) -> Result<(), BenchError> {
    let includes = |part: &str| plan.only.as_deref().is_none_or(|only| only == part);
    let directory = tempfile::tempdir()?;
    let mut findings = Findings::default();
    if plan.stores {
        findings.stores = shared_stores::measure(plan, directory.path()).await?;
        return publish(plan, &findings);
    }
    let cases = chosen(plan)?;
    if includes(TIMING) {
        findings.timing = timing::measure(plan, directory.path()).await?;
    }
    let asks_for = |part: &str| plan.write || plan.only.as_deref() == Some(part);
    if asks_for(START) {
        findings.starts = start::measure(plan, directory.path()).await?;
    }
    if asks_for(VERIFIERS) {
        findings.verifiers = verifiers::measure(plan, &directory.path().join(VERIFIERS)).await?;
    }
    if asks_for(GATEWAY_MEMORY) {
        findings.gateway_memory =
            gateway_memory::measure(plan, &directory.path().join(GATEWAY_MEMORY)).await?;
    }
    if !cases.is_empty() || includes(STORM) {
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
    let fixture = BenchFixture::set(plan, directory, None, &[]).await?;
    let pid = fixture.main.server.pid();
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
        None => Ok(all(plan)),
        Some(part) if PARTS.contains(&part) => Ok(Vec::new()),
        Some(only) => {
            let cases = Case::matching(only, plan.peers);
            let others = PARTS.map(str::to_owned);
            let names =
                || Case::all(plan.peers).into_iter().map(Case::name).chain(others).collect::<Vec<_>>();
            if cases.is_empty() {
                return Err(BenchError::UnknownCase(only.to_owned(), names().join(", ")));
            }
            Ok(cases)
        }
    }
}

/// All cases, without those that need nginx where it is missing.
fn all(plan: &BenchPlan) -> Vec<Case> {
    let mut cases = Case::all(plan.peers);
    if nginx::is_installed() {
        return cases;
    }
    println!("The gateway is left out: {}", BenchError::NoNginx);
    cases.retain(|case| case.kind() != CaseKind::Proxies);
    cases
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
            println!("round {round}/{}: {:<22} {:>9.0}/s", plan.rounds, case.name(), measured.summary.rate);
            figures.push(measured);
        }
    }
    Ok(found)
}

/// Counts what the cases take that the server answers.
async fn count(
    plan: &BenchPlan,
    fixture: &BenchFixture,
    cases: &[Case],
    folder: &Path,
) -> Result<Vec<(Case, RequestCounts)>, BenchError> {
    let cases: Vec<Case> = cases.iter().copied().filter(|case| case.is_counted()).collect();
    let mut found = Vec::with_capacity(cases.len());
    if cases.is_empty() {
        return Ok(found);
    }
    fs::create_dir(folder)?;
    let sockets = CounterSockets::in_folder(folder);
    let counting = BenchFixture::set(plan, folder, Some(&sockets), &[]).await?;
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
        let main = &fixture.main;
        let measured = storm::measure(main.server.address(), &main.people, span).await?;
        let p99 = |tally: &Tally| tally.quantile(0.99) / 1000.0;
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
    let weight = plan
        .postgres_cpu_weight
        .map_or_else(String::new, |weight| format!("; CPU weight of PostgreSQL {weight}"));
    let text = format!("{}{weight}.\n{rounds}\n\n{}", Machine::here(&workspace), findings.tables());
    println!("\n{text}");
    if plan.write {
        docs_page::write(&workspace.join("docs/performance.md"), &text)?;
        docs_page::write(&workspace.join("README.md"), &findings.headlines())?;
    }
    Ok(())
}
