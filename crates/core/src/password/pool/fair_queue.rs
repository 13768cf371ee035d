//! The queue of the pool: client networks take turns, and each network's own jobs keep their order.

use std::collections::{HashMap, VecDeque};

use crate::client_network::ClientNetwork;

/// Whose job it is. Clients without an address take turns as one.
pub(super) type Lane = Option<ClientNetwork>;

/// Jobs by lane.
pub(super) struct FairQueue<J> {
    /// No lane is empty.
    lanes: HashMap<Lane, VecDeque<J>>,
    /// The lanes, in the order of their next turns.
    turns: VecDeque<Lane>,
    waiting: usize,
}

impl<J> FairQueue<J> {
    pub(super) fn new() -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new(), waiting: 0 }
    }

    /// How many jobs wait.
    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    /// How many of the jobs that wait come before a new one of this lane.
    pub(super) fn ahead_of(&self, lane: Lane) -> usize {
        let own = self.waiting_in(lane);
        let others = self.lanes.iter().filter(|(other, _)| **other != lane);
        own + others.map(|(_, jobs)| jobs.len().min(own + 1)).sum::<usize>()
    }

    pub(super) fn push(&mut self, lane: Lane, job: J) {
        let jobs = self.lanes.entry(lane).or_default();
        if jobs.is_empty() {
            self.turns.push_back(lane);
        }
        jobs.push_back(job);
        self.waiting += 1;
    }

    /// Takes out the next job of the lane whose turn it is.
    pub(super) fn pop(&mut self) -> Option<J> {
        let lane = self.turns.pop_front()?;
        let jobs = self.lanes.get_mut(&lane)?;
        let job = jobs.pop_front()?;
        self.waiting -= 1;
        if jobs.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        Some(job)
    }

    /// Takes the newest job out of the longest lane, if that stays longer than `lane` is without a new job.
    pub(super) fn give_way(&mut self, lane: Lane) -> Option<J> {
        let own = self.waiting_in(lane);
        let longest = self.lanes.values_mut().max_by_key(|jobs| jobs.len())?;
        let job = if longest.len() > own + 1 { longest.pop_back() } else { None };
        self.waiting -= usize::from(job.is_some());
        job
    }

    fn waiting_in(&self, lane: Lane) -> usize {
        self.lanes.get(&lane).map_or(0, VecDeque::len)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(number: u8) -> ClientNetwork {
        ClientNetwork::of(IpAddr::from([192, 0, 2, number]))
    }

    /// A queue into which these lanes have put a job each, in this order. A job is its lane and its place.
    fn queue(lanes: &[u8]) -> FairQueue<(u8, usize)> {
        let mut queue = FairQueue::new();
        for (place, number) in lanes.iter().enumerate() {
            queue.push(Some(network(*number)), (*number, place));
        }
        queue
    }

    fn rest(mut queue: FairQueue<(u8, usize)>) -> Vec<(u8, usize)> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn lanes_take_turns_and_each_keeps_its_order() {
        let served = rest(queue(&[1, 1, 1, 2, 2, 3]));
        assert_eq!(served, [(1, 0), (2, 3), (3, 5), (1, 1), (2, 4), (1, 2)]);
    }

    #[test]
    fn a_lane_that_was_served_and_comes_back_waits_for_the_others() {
        let mut queue = queue(&[1, 2, 2]);
        assert_eq!(queue.pop(), Some((1, 0)));
        queue.push(Some(network(1)), (1, 9));
        assert_eq!(rest(queue), [(2, 1), (1, 9), (2, 2)]);
    }

    #[test]
    fn as_many_jobs_come_before_a_new_one_as_were_announced() {
        for waiting in [&[][..], &[1], &[1, 1, 1, 2], &[2, 2, 2, 3, 1, 1], &[3, 2, 1, 1, 1, 1, 2, 3]] {
            for newcomer in 1..=4 {
                let mut queue = queue(waiting);
                let announced = queue.ahead_of(Some(network(newcomer)));
                queue.push(Some(network(newcomer)), (newcomer, 99));
                let before = rest(queue).iter().position(|job| *job == (newcomer, 99)).unwrap();
                // One that joins a lane whose turn is due may come earlier within the round.
                assert!(before <= announced, "{waiting:?} {newcomer}: {before} {announced}");
                assert!(announced <= before + 2, "{waiting:?} {newcomer}: {before} {announced}");
            }
        }
    }

    #[test]
    fn the_longest_lane_gives_way_and_only_to_a_shorter_one() {
        let mut queue = queue(&[1, 1, 1, 1, 2, 2, 3]);
        assert_eq!(queue.give_way(Some(network(1))), None);
        assert_eq!(queue.give_way(Some(network(4))), Some((1, 3)));
        assert_eq!(queue.give_way(Some(network(3))), Some((1, 2)));
        assert_eq!(queue.give_way(Some(network(2))), None);
        assert_eq!(queue.len(), 5);
        assert_eq!(rest(queue), [(1, 0), (2, 4), (3, 6), (1, 1), (2, 5)]);
    }
}
