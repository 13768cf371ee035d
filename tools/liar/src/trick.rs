//! The tricks.

use std::str::FromStr;

/// Declares the tricks: name, and what a verifier must do.
macro_rules! tricks {
    ($($(#[$doc:meta])+ $trick:ident = $name:literal,)+) => {
        /// How the feed lies. The honest answers go on underneath: what is ended is told as soon as the trick is over.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Trick {
            $($(#[$doc])+ $trick,)+
        }

        impl Trick {
            /// All of them, the honest one first.
            pub const ALL: &[Self] = &[$(Self::$trick),+];

            /// The name of it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$trick => $name,)+
                }
            }
        }
    };
}

tricks! {
    /// None: the feed is honest.
    Honest = "honest",
    /// The first record of each numbered answer is left out, and its number too.
    Gap = "gap",
    /// Each poll gets the answer to the first one after the trick began.
    Replay = "replay",
    /// Each answer has the nonce of the poll before.
    LateNonce = "late-nonce",
    /// Each answer is made at once, and sent two seconds later.
    Delay = "delay",
    /// Each answer says that there is more, and has nothing.
    EndlessMore = "endless-more",
    /// Each answer has a record that says nothing, and says that there is more.
    EndlessRecords = "endless-records",
    /// Two honest nodes answer in turn.
    AlternatingLogs = "alternating-logs",
    /// Each poll is 410, and the pages of the snapshot are of two logs.
    MixedPages = "mixed-pages",
    /// The answers are signed with another key.
    WrongKey = "wrong-key",
    /// No poll is answered.
    Silence = "silence",
    /// The connection ends in the middle of each answer.
    TruncatedBody = "truncated-body",
    /// `iss` is another issuer's.
    WrongIssuer = "wrong-issuer",
    /// `typ` is that of a snapshot.
    WrongType = "wrong-type",
    /// `alg` is another one, over the right signature.
    WrongAlgorithm = "wrong-algorithm",
    /// `alg` is `none`, without a signature.
    NoAlgorithm = "no-algorithm",
    /// The node restarts before each poll: it never knows how far a verifier is.
    Restarts = "restarts",
    /// The log is trimmed up to its head before every other poll.
    Trimmed = "trimmed",
    /// Each poll is 410; the snapshot is honest.
    Gone = "gone",
    /// Each poll and each question is 503.
    Outage = "outage",
    /// The feed key was removed: each poll is 401. Questions are answered.
    KeyRemoved = "key-removed",
    /// A proxy answers polls and questions in place of the server: 200 with a page of HTML.
    Portal = "portal",
    /// A proxy bars the way of polls and questions, and wants a password of its own: 401.
    ProxyPassword = "proxy-password",
    /// A proxy bars the way of polls and questions: 403.
    Barred = "barred",
}

impl FromStr for Trick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().copied().find(|trick| trick.name() == text);
        let names: Vec<&str> = Self::ALL.iter().map(|trick| trick.name()).collect();
        known.ok_or_else(|| format!("no trick is called {text:?}: there are {}", names.join(", ")))
    }
}
