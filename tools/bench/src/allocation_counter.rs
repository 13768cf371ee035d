//! How the counting server says what it has allocated: as text, to each client of a Unix socket.

use std::fmt;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::str::FromStr;

/// The variable that names the socket.
pub const ALLOCATION_COUNTER: &str = "ALLOCATION_COUNTER";

/// What a process has allocated since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationCount {
    /// Allocations, and those that grew or shrank.
    pub allocations: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl AllocationCount {
    /// Asks the process that answers on this socket.
    ///
    /// # Errors
    /// What the system says, or that the answer is no count.
    pub fn read(socket: &Path) -> io::Result<Self> {
        let mut text = String::new();
        UnixStream::connect(socket)?.read_to_string(&mut text)?;
        text.parse()
    }

    /// What was allocated since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations.saturating_sub(earlier.allocations),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}

impl fmt::Display for AllocationCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.allocations, self.bytes)
    }
}

impl FromStr for AllocationCount {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let no_count = || io::Error::other(format!("{text:?} is no count of allocations"));
        let (allocations, bytes) = text.split_once(' ').ok_or_else(no_count)?;
        let number = |digits: &str| digits.parse().map_err(|_| no_count());
        Ok(Self { allocations: number(allocations)?, bytes: number(bytes)? })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_count_is_asked_for_over_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("counter");
        let listener = UnixListener::bind(&socket).unwrap();
        let count = AllocationCount { allocations: 7, bytes: 1000 };
        let answering = std::thread::spawn(move || {
            listener.accept().unwrap().0.write_all(count.to_string().as_bytes()).unwrap();
        });
        assert_eq!(AllocationCount::read(&socket).unwrap(), count);
        answering.join().unwrap();
        let earlier = AllocationCount { allocations: 3, bytes: 400 };
        assert_eq!(count.since(earlier), AllocationCount { allocations: 4, bytes: 600 });
        assert!("many".parse::<AllocationCount>().is_err());
    }
}
