//! Randomness, as an argument.
//!
//! Ids and secrets are made from a [`Random`] that the caller passes. That of the operating system is
//! [`SystemRandom`](crate::machine::SystemRandom).

/// A cryptographically secure source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills all of `bytes`.
    ///
    /// There is no error: a source that fails must not return, because its caller would go on with a guessable secret.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` fresh bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
