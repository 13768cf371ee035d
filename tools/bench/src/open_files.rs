//! How many files a process may have open: a limit that programs started afterwards inherit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::BenchError;

/// Files that are open beside what is counted: connections of the load, of databases and between servers.
const BESIDE: u64 = 500;

/// Raises the limit as far as it may be raised without privileges, and checks that this many files are within it.
///
/// # Errors
/// [`BenchError::FewFiles`], or what the system says.
pub(crate) fn allow(files: u64) -> Result<(), BenchError> {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).map_err(std::io::Error::from)?;
    let (needed, limit) = (files.saturating_add(BESIDE), hard.unwrap_or(u64::MAX));
    if needed > limit { Err(BenchError::FewFiles { needed, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_what_is_beyond_it_is_refused() {
        allow(1).unwrap();
        let limits = getrlimit(Resource::Nofile);
        assert_eq!(limits.current, limits.maximum);
        let refused = allow(limits.maximum.unwrap_or(u64::MAX));
        assert_eq!(refused.is_err(), limits.maximum.is_some(), "{refused:?}");
    }
}
