//! The gateway over real sockets. Only who a credential is of is decided by a fake here; the stories with a real server
//! are tests of `portcullis-server`.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod cross_site;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod forward_auth;
#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod kept_connections;
#[cfg(test)]
mod large_bodies;
#[cfg(test)]
mod paths_as_routers_see_them;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod reloading;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod upstream_faults;
#[cfg(test)]
mod websockets;
