//! What the engine promises as a whole.

#[cfg(test)]
mod old_passwords;
#[cfg(test)]
mod rotation;
