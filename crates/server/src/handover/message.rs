//! What the two processes say to each other.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The most descriptors of a message, by `unix(7)`.
const MOST: usize = 253;

/// The most bytes of a message.
const LONGEST: usize = 8 * 1024;

/// What is said of a socket that is handed over.
#[derive(PartialEq, Eq, Clone, Serialize, Deserialize, Debug)]
pub(super) struct SocketLabel {
    pub(super) name: String,
    /// Whether the service manager has it, too. The file of such a socket is the service manager's.
    pub(super) is_kept: bool,
}

/// What a process says.
#[derive(PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(super) enum HandoverMessage {
    /// The one that runs: these are the sockets, in the order of their descriptors.
    Sockets(Vec<SocketLabel>),
    /// The one that runs: this process is taking over already.
    Busy(i32),
    /// The new one: it serves.
    Ready,
    /// The one that runs: it does not listen any more.
    Yours,
}

impl HandoverMessage {
    /// Sends it with these descriptors.
    pub(super) async fn send(&self, to: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let sent = to.async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
                return Err(io::Error::other("too many sockets for one message"));
            }
            Ok(sendmsg(to, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)?)
        });
        if sent.await? == text.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Receives one with its descriptors. No child of this process inherits them.
    ///
    /// # Errors
    /// `UnexpectedEof` if the other process is gone, `InvalidData` if it says something else.
    pub(super) async fn receive(from: &UnixStream) -> io::Result<(Self, Vec<OwnedFd>)> {
        let (text, descriptors) = from.async_io(Interest::READABLE, || received(from)).await?;
        if text.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((serde_json::from_slice(&text)?, descriptors))
    }
}

fn received(from: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut text = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let came = recvmsg(from, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors = descriptors.flatten().collect();
    if came.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::other("no descriptor is free for a socket"));
    }
    text.truncate(came.bytes);
    Ok((text, descriptors))
}
