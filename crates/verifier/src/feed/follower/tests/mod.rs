//! The follower against a model of nodes that hear late, restart, and whose answers are lost, late or tampered with.

mod answers;
mod jitter;
mod model;
mod promise;
