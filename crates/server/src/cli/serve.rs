//! `portcullis serve`

use std::io::Write;

use super::Failure;
use crate::config::Config;

pub(super) async fn run(config: &Config, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    crate::serve::serve(config, out).await.map_err(Failure::other)
}
