//! `liar`: serves a revocation feed that lies, for verifiers in other languages. It prints a line of JSON, and then
//! serves until it is killed.

use std::error::Error;
use std::io::Write as _;

use clap::Parser;
use portcullis_core::user::Role;
use portcullis_liar::{Liar, Trick};
use serde_json::json;

/// Serves a revocation feed that lies on demand.
///
/// The line of JSON names its URL, a feed key, and two tokens with their sessions. `POST /liar/end/{session}` ends a
/// session, `POST /liar/play/{trick}` plays another trick. A verifier must refuse an ended session's token within its
/// `max_staleness` whatever is played, and accept the other token again soon after `honest` is played.
#[derive(Parser)]
struct LiarArguments {
    /// The trick that is played from the start.
    #[arg(long, default_value = "honest")]
    script: Trick,
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = LiarArguments::parse();
    let liar = Liar::start(&arguments.listen).await?;
    liar.play(arguments.script);
    let sessions = [liar.sign_in(Role::User)?, liar.sign_in(Role::Admin)?];
    let sessions = sessions.map(|session| json!({"session": session.id, "token": session.token}));
    let line = json!({"url": liar.url(), "feed_key": liar.feed_key(), "sessions": sessions});
    writeln!(std::io::stdout(), "{line}")?;
    liar.serve().await;
    Ok(())
}
