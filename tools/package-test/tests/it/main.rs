//! The package, the archive and the image, as operators use them.
//!
//! They need root. `cargo xtask packages` makes what is tried here, and says where it is.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod debian_root;
#[cfg(test)]
mod http;
#[cfg(test)]
mod image;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod network;
#[cfg(test)]
mod release;
#[cfg(test)]
mod shell;
