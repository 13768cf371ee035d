//! Keep people signed in, and get them out again.

pub mod clock;
pub mod email;
pub mod id;
pub mod machine;
pub mod password;
pub mod random;
pub mod secret;
pub mod user;
