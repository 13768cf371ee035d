//! What a gateway holds in memory: after many requests, while many WebSockets are open through it, and afterwards.

use std::fs;
use std::path::Path;

use portcullis_bench::strategy::Credentials;

use crate::BenchPlan;
use crate::cases::{MANY, VERIFIED};
use crate::error::BenchError;
use crate::fixture::BenchFixture;
use crate::gateway_process::{BenchGateway, RouteBehind};
use crate::load::{self, LoadClient};
use crate::open_files;
use crate::process::memory;
use crate::script::Script;
use crate::websocket::{WebSocketClient, WebSocketService};

/// The path of the WebSockets.
const STREAMS: &str = "/streams";
/// Words about how far it is.
const STEPS: u64 = 9;

/// A moment at which the memory was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GatewayMoment {
    pub(crate) when: &'static str,
    /// Requests until then, of which each had its answer.
    pub(crate) requests: u64,
    /// WebSockets that were open.
    pub(crate) websockets: u32,
    /// `VmRSS` in KiB.
    pub(crate) resident: u64,
}

/// A gateway, those who ask it, and what was read of it.
struct WatchedGateway {
    gateway: BenchGateway,
    clients: Vec<LoadClient>,
    requests: u64,
    websockets: u32,
    moments: Vec<GatewayMoment>,
}

/// Starts a gateway before two services, and reads its memory while it works.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<Vec<GatewayMoment>, BenchError> {
    // The gateway has one to its client and one to its upstream; the bench has the other ends of both.
    open_files::allow(2 * u64::from(plan.websockets))?;
    fs::create_dir(directory)?;
    let fixture = BenchFixture::set(plan, directory, None, &[]).await?;
    let service = WebSocketService::start().await?;
    let signed_in = fixture.main.people.password_sign_in(VERIFIED, MANY).await?;
    let mut watched = WatchedGateway::start(&fixture, &service, &signed_in).await?;
    let warm_up = plan.requests / 10;
    // What the first requests leave is not what a WebSocket takes.
    watched.ask(warm_up).await?;
    watched.read("a tenth of the requests, no WebSocket");
    let mut websockets = watched.open(plan.websockets, &signed_in).await?;
    watched.read("the WebSockets are open");
    watched.ask(warm_up).await?;
    watched.read("another tenth beside them (warm-up)");
    for step in 1..=STEPS {
        let rest = plan.requests - warm_up;
        watched.ask(rest * step / STEPS - rest * (step - 1) / STEPS).await?;
        println!("gateway-memory: {} requests, {} MiB", watched.requests, watched.resident() >> 10);
    }
    for websocket in &mut websockets {
        websocket.greet().await?;
    }
    watched.read("the rest beside them");
    drop(websockets);
    service.holds(0).await;
    watched.websockets = 0;
    watched.read("the WebSockets are closed");
    Ok(watched.moments)
}

impl WatchedGateway {
    async fn start(
        fixture: &BenchFixture,
        service: &WebSocketService,
        signed_in: &[Credentials],
    ) -> Result<Self, BenchError> {
        let behind = [("/", fixture.bare.address), (STREAMS, service.address())];
        let routes = behind.map(|(path, upstream)| RouteBehind { path, upstream, is_public: false });
        let gateway =
            BenchGateway::start(fixture.followed().await?, &fixture.folder.join("gateway"), &routes).await?;
        let script = |credentials: &Credentials| vec![Script::repeat(VERIFIED.profile(&credentials.access))];
        let scripts = signed_in.iter().map(script).collect();
        let clients = load::connect(gateway.service().address, scripts).await?;
        Ok(Self { gateway, clients, requests: 0, websockets: 0, moments: Vec::new() })
    }

    /// So many requests on all connections together.
    async fn ask(&mut self, requests: u64) -> Result<(), BenchError> {
        let clients = std::mem::take(&mut self.clients);
        self.clients = load::drive_requests(clients, requests).await?.0;
        self.requests += requests;
        Ok(())
    }

    /// Opens so many WebSockets, of users in turn.
    async fn open(
        &mut self,
        count: u32,
        signed_in: &[Credentials],
    ) -> Result<Vec<WebSocketClient>, BenchError> {
        let mut opened = Vec::new();
        for (_, credentials) in (0..count).zip(signed_in.iter().cycle()) {
            let address = self.gateway.service().address;
            opened.push(WebSocketClient::open(address, STREAMS, &credentials.access).await?);
        }
        self.websockets = count;
        Ok(opened)
    }

    fn resident(&self) -> u64 {
        memory(self.gateway.service().pid).resident
    }

    fn read(&mut self, when: &'static str) {
        let moment = GatewayMoment {
            when,
            requests: self.requests,
            websockets: self.websockets,
            resident: self.resident(),
        };
        self.moments.push(moment);
    }
}
