//! The sockets that the server listens on, as they are configured.

use std::io;
use std::net::SocketAddr;

use crate::config::{Config, Listen};
use crate::handover::{OWNER, OfferedSocket, Offering};
use crate::tcp;
use portcullis_transport::listener::{
    Accept as _, InheritedSockets, ListenError, NetworkSocket, UnixSocket, bind_all,
};

/// All of them.
pub(crate) struct Sockets {
    pub(crate) http: Vec<NetworkSocket>,
    pub(crate) tcp: Vec<tcp::Listener>,
    pub(crate) metrics: Vec<NetworkSocket>,
    handover: Option<UnixSocket>,
}

impl Sockets {
    /// Opens them, or takes inherited ones.
    ///
    /// # Errors
    /// An address or a path that this process cannot have.
    pub(crate) async fn bind(config: &Config, inherited: &mut InheritedSockets) -> Result<Self, ListenError> {
        let metrics = config.metrics.listen.map(|address| Listen { address, optional: false });
        Ok(Self {
            http: bind_all("listen", &config.listen, inherited).await?,
            tcp: tcp::bind(&config.tcp, inherited).await?,
            metrics: bind_all("metrics.listen", metrics.as_slice(), inherited).await?,
            // The last one: who has the addresses may replace the socket of a process that is gone.
            handover: match &config.handover {
                Some(path) => Some(UnixSocket::bind("handover", path, OWNER, inherited).await?),
                None => None,
            },
        })
    }

    /// Where HTTP clients connect.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.http.iter().filter_map(|socket| socket.listener.local_addr().ok()).collect()
    }

    /// Offers all of them to the next process, if that is configured.
    ///
    /// # Errors
    /// No descriptor is free.
    pub(crate) fn offering(&mut self) -> io::Result<Option<Offering>> {
        let Some(meeting) = self.handover.take() else { return Ok(None) };
        let (is_kept, file) = (meeting.is_kept(), meeting.file.clone());
        let mut offered = vec![OfferedSocket::new("handover", &meeting.listener, is_kept, file)?];
        for socket in &self.http {
            offered.push(OfferedSocket::new("http", socket, socket.is_kept(), None)?);
        }
        for socket in &self.tcp {
            offered.push(OfferedSocket::new("tcp", socket, socket.is_kept(), socket.file())?);
        }
        for socket in &self.metrics {
            offered.push(OfferedSocket::new("metrics", socket, socket.is_kept(), None)?);
        }
        Ok(Some(Offering::new(meeting.listener, offered)))
    }
}
