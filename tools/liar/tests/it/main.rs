//! The verifier against a feed that lies.

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tricks;
#[cfg(test)]
mod trouble;
