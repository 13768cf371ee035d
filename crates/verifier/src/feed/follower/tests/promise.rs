//! The promise: whatever happens on the way, nothing that is over is accepted later than the bound, and a feed that is
//! followed accepts what is live.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::id::TenantId;
use portcullis_core::revocation::wire::{FeedAnswer, Revocation, SnapshotPage};
use portcullis_core::session::Epochs;
use portcullis_core::user::Role;
use proptest::prelude::*;

use super::super::{FeedProgress, LogFollower};
use super::model::{Database, Node, session, user};
use crate::revocations::{KnownRevocations, Subject, Verdict};

const BOUND: u64 = 1_000;
const NODES: usize = 3;
const USERS: u8 = 2;
const SESSIONS: u8 = 3;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    Time(u64),
    Commit(Revocation),
    Restart(usize),
    /// From now on the node hears this late.
    Slow(usize, u64),
    Poll {
        node: usize,
        out: u64,
        back: u64,
        fate: Fate,
    },
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Lost,
    /// The answer to the poll before comes in its place.
    Late,
    /// Its first record is missing. An answer with none is another thing: the node does not know the verifier.
    Gap,
    /// It says that there is more, and has nothing.
    Lies,
}

fn far() -> Timestamp {
    Timestamp::from_seconds(1_000_000)
}

fn revocations() -> impl Strategy<Value = Revocation> {
    let users = || (0..USERS).prop_map(user);
    let kept = proptest::collection::vec((0..SESSIONS).prop_map(session), 0..2);
    let role = prop_oneof![Just(Role::User), Just(Role::Manager), Just(Role::Admin)];
    prop_oneof![
        2 => (0..SESSIONS).prop_map(|id| Revocation::Session { id: session(id), until: far() }),
        1 => (users(), kept)
            .prop_map(|(id, kept)| Revocation::User { id, epoch: 0, kept, until: far() }),
        3 => any::<bool>().prop_map(|suspended| Revocation::Tenant { suspended, epoch: 0 }),
        6 => (users(), role).prop_map(|(id, role)| Revocation::Role { id, role, until: far() }),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![
        8 => Just(Fate::Arrives),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Late),
        1 => Just(Fate::Gap),
        1 => Just(Fate::Lies),
    ];
    prop_oneof![
        3 => (0..400u64).prop_map(Event::Time),
        3 => revocations().prop_map(Event::Commit),
        1 => (0..NODES).prop_map(Event::Restart),
        1 => (0..NODES, 0..900u64).prop_map(|(node, delay)| Event::Slow(node, delay)),
        9 => (0..NODES, 0..40u64, 0..40u64, fate)
            .prop_map(|(node, out, back, fate)| Event::Poll { node, out, back, fate }),
    ]
}

/// A verifier in front of the model.
struct World {
    now: u64,
    database: Database,
    nodes: Vec<Node>,
    known: KnownRevocations,
    follower: LogFollower,
    polls: u32,
    before: Option<FeedAnswer>,
}

impl World {
    fn new() -> Self {
        let tenants = [TenantId::default_tenant()];
        let known = KnownRevocations::new(&tenants, 1_000, Duration::from_millis(BOUND));
        let mut world = Self {
            now: 10_000,
            database: Database::default(),
            nodes: (0..NODES).map(Node::new).collect(),
            known,
            follower: LogFollower::default(),
            polls: 0,
            before: None,
        };
        let first = SnapshotPage {
            issuer: "https://auth.example.com".to_owned(),
            log: "n0-0".parse().unwrap(),
            to: 0,
            issued: Timestamp::from_millis(10_000),
            records: Vec::new(),
            tenants: None,
            next: None,
        };
        world.follower.start(&first, world.ticks(), world.ticks());
        world
    }

    fn ticks(&self) -> Ticks {
        Ticks::new(Duration::from_millis(self.now))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Time(span) => self.now += span,
            Event::Commit(what) => {
                // The rows of the database are a history: one time each.
                self.now += 1;
                self.database.commit(self.now, what);
            }
            Event::Restart(node) => self.nodes[node].restart(&self.database, self.now),
            // A node that catches up hears in order.
            Event::Slow(node, delay) => self.nodes[node].slow(delay, &self.database, self.now),
            Event::Poll { node, out, back, fate } => {
                self.poll(node, out, back, fate);
            }
        }
    }

    fn poll(&mut self, node: usize, out: u64, back: u64, fate: Fate) -> Option<FeedProgress> {
        self.polls += 1;
        let query = self.follower.poll(&self.known, self.ticks(), Duration::ZERO, self.polls.to_string())?;
        self.now += out;
        let mut answer = self.nodes[node].answer(&self.database, &query, self.now);
        let honest = answer.clone();
        self.now += back;
        match fate {
            Fate::Lost => return None,
            Fate::Late => answer = self.before.clone()?,
            Fate::Gap if answer.records.len() > 1 && answer.to > answer.from => {
                answer.records.remove(0);
                answer.from += 1;
            }
            Fate::Lies => {
                answer.more = true;
                answer.records.clear();
                answer.to = answer.from - 1;
            }
            Fate::Arrives | Fate::Gap => {}
        }
        self.before = Some(honest);
        Some(self.follower.take(&answer, &self.known, self.ticks()))
    }

    fn verdict(&self, owner: u8, opened: u8) -> Verdict {
        let tenant = TenantId::default_tenant();
        let subject = Subject {
            tenant: &tenant,
            user: user(owner),
            session: Some(session(opened)),
            kid: None,
            epochs: Epochs::default(),
        };
        self.known.judge(&subject, self.ticks())
    }

    fn tokens() -> impl Iterator<Item = (u8, u8)> {
        (0..USERS).flat_map(|owner| (0..SESSIONS).map(move |opened| (owner, opened)))
    }

    /// What is accepted now was so at some time within the bound.
    fn check_promise(&self) {
        let since = self.now - BOUND;
        for (owner, opened) in Self::tokens() {
            let Verdict::Live(role, _) = self.verdict(owner, opened) else { continue };
            assert!(!self.database.is_dead_at((owner, opened), since), "{owner} {opened} is over");
            assert!(self.database.was_active(since, self.now), "the tenant is suspended");
            let roles = self.database.roles(owner, since, self.now);
            let most = roles.iter().flatten().map(|role| role.as_str()).map(rank).max();
            let could_be_unsaid = roles.contains(&None);
            assert!(
                role.map_or(could_be_unsaid, |role| could_be_unsaid || Some(rank(role.as_str())) <= most),
                "{owner} is {role:?}, and was {roles:?}"
            );
        }
    }

    /// After the feed was followed for a while without trouble, everything is exactly as the database says.
    fn check_accuracy(&mut self) {
        for node in &mut self.nodes {
            node.slow(0, &self.database, self.now);
        }
        self.now += 1_000;
        let followed = (0..40).filter(|_| self.poll(1, 1, 1, Fate::Arrives) == Some(FeedProgress::Proven));
        assert!(followed.count() > 10);
        for token in Self::tokens() {
            let is_over =
                self.database.is_dead_at(token, self.now) || !self.database.was_active(self.now, self.now);
            let role = self.database.roles(token.0, self.now, self.now)[0];
            match self.verdict(token.0, token.1) {
                Verdict::Dead => assert!(is_over, "{token:?}"),
                Verdict::Live(told, _) => assert_eq!((is_over, told), (false, role), "{token:?}"),
                Verdict::Stale(_) => panic!("{token:?}: the feed is followed"),
            }
        }
    }
}

fn rank(role: &str) -> usize {
    ["user", "manager", "admin"].iter().position(|known| *known == role).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    // ASVS-map: RV1, RV2
    #[test]
    fn nothing_that_is_over_is_accepted_later_than_the_bound(events in proptest::collection::vec(events(), 1..60)) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
            world.check_promise();
        }
        world.check_accuracy();
    }
}
