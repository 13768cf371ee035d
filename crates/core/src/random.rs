//! Chance, as an argument.
//!
//! Ids and secrets are made from a [`Random`] that the caller hands in; the machine's own is
//! [`SystemRandom`](crate::machine::SystemRandom).

/// A source of bytes that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills the whole of `bytes`.
    ///
    /// There is no error: a source that cannot deliver must not return, because every caller would go on with a
    /// guessable secret.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` fresh bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
