//! What is shipped, tried as operators use it. There is nothing here but tests, in `tests/it`.
//!
//! Each runs on a Debian root of its own, made from Debian's packages: the package under systemd, which runs in a
//! container of `systemd-nspawn`; the image of the `Dockerfile` as its user, on its read-only root.
