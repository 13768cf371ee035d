//! `portcullis mend`: mends records that an operator or another program has spoiled.

use std::fmt::{self, Display};

use clap::Args;
use portcullis_core::email::Email;
use portcullis_core::id::UserId;
use portcullis_core::machine::SystemRandom;
use portcullis_core::mobile::Mobile;
use portcullis_core::store::{MendOutcome, UnreadableRecord};
use portcullis_core::user::{PersonName, UserCorrection};
use portcullis_core::username::Username;
use portcullis_stores::IfMissing;

use super::context::CommandContext;
use super::database::with_engine;
use super::escaped::Escaped;
use super::failure::Failure;
use super::output::{Output, counted};
use super::target::{TenantOption, email};
use crate::config::Config;

/// Mend users and sessions whose records cannot be read
///
/// `portcullis doctor` names them. Without RECORD the command mends what is only spelled otherwise than it is looked up
/// by, such as an id in capitals, and says what else is to be done. With RECORD it mends this one: what cannot be read
/// is what the options state, or is given up. Then a role becomes `user`, a password must be set anew, and a session
/// ends.
#[derive(Args, Debug)]
pub(super) struct MendCommand {
    #[command(flatten)]
    tenant: TenantOption,
    /// Id of a record, as `doctor` shows it
    #[arg(value_name = "RECORD")]
    id: Option<String>,
    /// Email address of the user
    #[arg(long, requires = "id", value_parser = email)]
    email: Option<Email>,
    /// User name of the user
    #[arg(long, requires = "id", value_name = "NAME", value_parser = Username::parse)]
    username: Option<Username>,
    /// Mobile number of the user
    #[arg(long, requires = "id", value_name = "NUMBER", value_parser = Mobile::parse)]
    mobile: Option<Mobile>,
    /// Full name of the user
    #[arg(long, requires = "id", value_parser = PersonName::new)]
    name: Option<PersonName>,
}

pub(super) async fn run(command: &MendCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let tenant = command.tenant.id();
    with_engine(config, &tenant, IfMissing::Refuse, out, async |context| command.mend(context).await).await
}

impl MendCommand {
    async fn mend(&self, context: &mut CommandContext<'_>) -> Result<(), Failure> {
        let records = self.records(context).await?;
        let (engine, tenant, mut left) = (context.engine, context.tenant, 0);
        for record in records {
            let outcome = engine.mend_record(tenant, record.clone(), self.correction(context)).await?;
            left += u64::from(!is_done(&outcome));
            context.say(MendedRecord { record, outcome })?;
        }
        match left {
            0 => Ok(()),
            left => Err(Failure::other(format_args!("{} cannot be read as before", counted(left, "record")))),
        }
    }

    /// Each record to mend, once: a record is named once for each of its columns.
    async fn records(&self, context: &mut CommandContext<'_>) -> Result<Vec<UnreadableRecord>, Failure> {
        let tenant = context.tenant;
        let mut records = context.engine.unreadable(tenant).await?;
        records.dedup_by(|one, other| (one.record, &one.id) == (other.record, &other.id));
        match &self.id {
            None if records.is_empty() => {
                context.say(format_args!("Every user and session of tenant {tenant} can be read."))?;
            }
            None => {}
            Some(id) => {
                records.retain(|record| record.id == *id);
                if records.is_empty() {
                    return Err(Failure::other(format_args!(
                        "tenant {tenant} has no record {id} that cannot be read; `portcullis doctor` names those that \
                         there are"
                    )));
                }
            }
        }
        Ok(records)
    }

    fn correction(&self, context: &CommandContext<'_>) -> UserCorrection {
        let now = context.engine.now();
        UserCorrection {
            email: self.email.clone(),
            username: self.username.clone(),
            mobile: self.mobile.clone(),
            name: self.name.clone(),
            gives_up: self.id.is_some(),
            ..UserCorrection::of_spelling(UserId::generate(now, &SystemRandom), now)
        }
    }
}

const fn is_done(outcome: &MendOutcome) -> bool {
    matches!(outcome, MendOutcome::Mended { .. } | MendOutcome::Discarded | MendOutcome::NothingToMend)
}

/// What became of a record, as a line.
struct MendedRecord {
    record: UnreadableRecord,
    outcome: MendOutcome,
}

impl Display for MendedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, stored) = (self.record.record, Escaped(&self.record.id));
        write!(f, "{kind} {stored}: ")?;
        match &self.outcome {
            MendOutcome::NothingToMend => f.write_str("can be read by now"),
            MendOutcome::Discarded => f.write_str("removed; its user signs in again"),
            MendOutcome::Clash => f.write_str(
                "another user has this id, address, user name or number; state another one, or delete one of the rows",
            ),
            MendOutcome::Unclear(columns) if columns[..] == ["email"] => {
                write!(f, "no address can be read, or two that differ; `portcullis mend '{stored}' --email ADDRESS` states the right one")
            }
            MendOutcome::Unclear(columns) => {
                let columns = columns.join(", ");
                write!(f, "cannot be read: {columns}; `portcullis mend '{stored}'` gives that up, or takes what you state")
            }
            MendOutcome::Mended { user, lost } => {
                write!(f, "mended, {} (id {})", Escaped(user.email.as_typed()), user.key.id)?;
                if lost.is_empty() { Ok(()) } else { write!(f, "; given up: {}", lost.join(", ")) }
            }
        }
    }
}
