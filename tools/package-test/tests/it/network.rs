//! A network of its own, in which names lead to addresses, as an engine for containers makes one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Keeps the network for as long as its standard input is open.
const KEEPER: &str = r#"set -e
ip link set lo up
mount --bind "$1" /etc/hosts
echo ready
exec cat
"#;

/// Has what follows killed with the thread that starts it, so that a test leaves nothing if it is killed. The kernel
/// forgets this when a process changes its user, so a command that does so says it as the last thing.
pub(crate) const WITH_ITS_TEST: [&str; 2] = ["--pdeathsig", "KILL"];

/// The network. It goes with its owner.
pub(crate) struct Network {
    keeper: Child,
    _folder: TempDir,
}

impl Network {
    /// One with these names and addresses, all of the loopback interface.
    pub(crate) fn with(names: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts");
        let lines = names.iter().map(|(name, address)| format!("{address} {name}\n"));
        fs::write(&hosts, format!("127.0.0.1 localhost\n{}", lines.collect::<String>())).unwrap();
        let mut keeper = Command::new("unshare");
        keeper
            .args(["--net", "--mount", "--propagation=private", "--", "sh", "-c", KEEPER, "keeper"])
            .arg(hosts);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n");
        Self { keeper, _folder: folder }
    }

    /// A command in a network; in this machine's, if it is none.
    pub(crate) fn command(network: Option<&Self>, program: &str) -> Command {
        let Some(network) = network else {
            return Command::new(program);
        };
        let mut command = Command::new("nsenter");
        command.args(["--net", "--mount", "--target", &network.keeper.id().to_string(), "--", program]);
        command
    }

    /// A command there that ends with its test.
    pub(crate) fn lasting(network: Option<&Self>, program: &str) -> Command {
        let mut command = Self::command(network, "setpriv");
        command.args(WITH_ITS_TEST).args(["--", program]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
