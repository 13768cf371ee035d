use argon2::{Algorithm, Argon2, Block, Params, Version};
use thiserror::Error;

/// The cost parameters of an Argon2id hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argon2Cost(Params);

/// The parameters are outside the limits of Argon2, or above the limits here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "Argon2id takes at least 8 KiB a lane and one pass, and here at most {} KiB, and memory times passes at most {} KiB",
    Argon2Cost::MAX_KIB,
    Argon2Cost::MAX_WORK
)]
pub struct InvalidArgon2Cost;

impl Argon2Cost {
    /// 19 MiB, two passes, one lane: the minimum that OWASP recommends, 24 ms on a present-day core.
    pub const RECOMMENDED: Self = Self(Params::DEFAULT);

    /// The minimum that Argon2 allows, for tests only.
    pub const MINIMUM: Self = Self(match Params::new(8, 1, 1, None) {
        Ok(params) => params,
        Err(_) => Params::DEFAULT,
    });

    /// The maximum memory of one hash, in KiB. An imported hash names its own parameters: without a limit, one of them
    /// could exhaust the machine's memory at the next sign-in.
    pub const MAX_KIB: u32 = 256 * 1024;

    /// The maximum of memory times passes of one hash, in KiB: below a second on a present-day core.
    pub const MAX_WORK: u64 = 1024 * 1024;

    /// A cost of this many KiB, passes and lanes.
    ///
    /// # Errors
    ///
    /// [`InvalidArgon2Cost`] if Argon2 does not allow it, or it exceeds [`Argon2Cost::MAX_KIB`] or
    /// [`Argon2Cost::MAX_WORK`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, InvalidArgon2Cost> {
        let work = u64::from(memory_kib) * u64::from(passes);
        if memory_kib > Self::MAX_KIB || work > Self::MAX_WORK {
            return Err(InvalidArgon2Cost);
        }
        Params::new(memory_kib, passes, lanes, None).map(Self).map_err(|_| InvalidArgon2Cost)
    }

    /// The memory of one hash, in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.0.m_cost()
    }

    /// How many passes are made over the memory.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.0.t_cost()
    }

    /// How many lanes the memory is divided into. They are computed one after the other.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.0.p_cost()
    }

    /// Whether this cost has at least the memory and the work of the other.
    #[must_use]
    pub fn is_at_least(&self, other: &Self) -> bool {
        self.memory_kib() >= other.memory_kib() && self.work() >= other.work()
    }

    fn work(&self) -> u64 {
        u64::from(self.memory_kib()) * u64::from(self.passes())
    }
}

/// The working memory of one hashing thread. It is kept from one hash to the next: if each hash allocated its 19 MiB
/// anew, the process would grow by gigabytes during a burst of sign-ins.
pub(super) struct Argon2Memory {
    own: Argon2Cost,
    blocks: Vec<Block>,
}

impl Argon2Memory {
    /// Allocates nothing yet. The first hash allocates what `own` needs.
    pub(super) const fn new(own: Argon2Cost) -> Self {
        Self { own, blocks: Vec::new() }
    }

    pub(super) const fn own(&self) -> &Argon2Cost {
        &self.own
    }

    /// Fills `output` with the Argon2id hash. A cost above `own` gets memory that is freed afterwards.
    pub(super) fn argon2id(
        &mut self,
        cost: &Argon2Cost,
        version: Version,
        password: &str,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let argon2 = Argon2::new(Algorithm::Argon2id, version, cost.0.clone());
        let (needed, own) = (cost.0.block_count(), self.own.0.block_count());
        let mut borrowed = Vec::new();
        let blocks = if needed > own { &mut borrowed } else { &mut self.blocks };
        grow(blocks, needed.max(own))?;
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, blocks)
    }

    #[cfg(test)]
    pub(super) fn place_and_size(&self) -> (*const Block, usize) {
        (self.blocks.as_ptr(), self.blocks.capacity())
    }
}

fn grow(blocks: &mut Vec<Block>, len: usize) -> Result<(), argon2::Error> {
    let more = len.saturating_sub(blocks.len());
    blocks.try_reserve_exact(more).map_err(|_| argon2::Error::OutOfMemory)?;
    blocks.resize(len, Block::new());
    Ok(())
}
