//! The Debian package from its installation to its purge, under systemd.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::json;

use crate::clients::Clients;
use crate::debian_root::DebianRoot;
use crate::http::Request;
use crate::machine::Machine;
use crate::release;
use crate::shell::run;

/// How often the service is restarted under clients.
const RESTARTS: usize = 50;

const SERVICE: &str = "portcullis.service";
const SOCKET: &str = "portcullis.socket";
const CONFIGURATION: &str = "/etc/portcullis/portcullis.toml";
const MASTER_KEY: &str = "/etc/portcullis/master.key";
/// Where the package lies on the machine.
const PACKAGE: &str = "/srv/portcullis.deb";
/// What `systemctl edit portcullis.socket` makes.
const DROP_IN: &str = "/etc/systemd/system/portcullis.socket.d";
const DATA: &str = "/var/lib/portcullis";

/// What production needs, and a sign-in without a code by mail, so that it takes one request.
const STATED: &str = r#"
public_url = "https://auth.example.com"
mail.transport = "outbox"
strategies.enabled = ["device", "session-jwt"]
"#;

const PASSWORD: &str = "a horse that is correct";

/// A machine with the package, and where its server listens.
struct Installation {
    machine: Machine,
    server: SocketAddr,
}

#[test]
fn a_package_is_installed_used_restarted_upgraded_removed_and_purged() {
    let root = DebianRoot::new();
    let machine = Machine::boot(root);
    let before = machine.root.files();
    let installation = Installation::install(machine);
    installation.nothing_runs_before_it_is_configured();
    installation.configure();
    installation.an_administrators_commands_leave_the_files_to_the_service();
    installation.start();
    installation.the_sandbox_is_tight();
    let token = installation.sign_up_and_in();
    installation.secrets_and_data_are_the_services_alone();
    installation.an_administrators_commands_leave_the_files_to_the_service();
    installation.stop();
    installation.an_administrators_commands_leave_the_files_to_the_service();
    installation.start();
    installation.restarts_refuse_no_request(&token);
    installation.a_wrong_configuration_is_mended();
    installation.a_server_that_is_killed_comes_back(&token);
    installation.an_upgrade_keeps_all_and_refuses_no_request(&token);
    installation.a_removal_keeps_data_and_configuration(&token);
    installation.a_purge_leaves_nothing(&before);
}

impl Installation {
    fn install(machine: Machine) -> Self {
        // The network is this machine's: another port than the one that may be taken here.
        let server = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let installation = Self { machine, server };
        let said = installation.install_package(&release::file(".deb"));
        for step in ["portcullis config init", "systemctl enable --now"] {
            assert!(said.contains(step), "the next steps are said: {said}");
        }
        installation.state_address();
        installation
    }

    /// As an administrator does, who keeps the configuration.
    fn install_package(&self, package: &Path) -> String {
        fs::copy(package, self.machine.root.file(PACKAGE)).unwrap();
        let keep = "Dpkg::Options::=--force-confold";
        self.machine.run("apt-get", &["install", "--yes", "-o", keep, PACKAGE])
    }

    fn nothing_runs_before_it_is_configured(&self) {
        for unit in [SERVICE, SOCKET] {
            assert_eq!(self.machine.property(unit, "ActiveState"), "inactive");
            assert_eq!(self.machine.property(unit, "UnitFileState"), "disabled");
        }
        for unit in [SOCKET, SERVICE] {
            let said = self.machine.ask("systemctl", &["start", unit]).refused();
            assert!(said.contains("Assertion failed") || said.contains("dependency job"), "{said}");
            assert_eq!(self.machine.property(unit, "ActiveState"), "inactive");
        }
    }

    /// By the steps of the guide.
    fn configure(&self) {
        let said = self.machine.run("portcullis", &["config", "init", CONFIGURATION]);
        assert!(said.contains(MASTER_KEY), "{said}");
        let path = self.machine.root.file(CONFIGURATION);
        let written = fs::read_to_string(&path).unwrap();
        let written = written.replace("127.0.0.1:3000", &self.server.to_string());
        fs::write(&path, STATED.to_owned() + &written).unwrap();
        self.machine.run("portcullis", &["config", "check"]);
        self.machine.run("portcullis", &["migrate"]);
    }

    /// As `systemctl edit portcullis.socket` does.
    fn state_address(&self) {
        let drop_in = self.machine.root.file(DROP_IN);
        fs::create_dir_all(&drop_in).unwrap();
        let address = format!("[Socket]\nListenStream=\nListenStream={}\n", self.server);
        fs::write(drop_in.join("address.conf"), address).unwrap();
        self.machine.run("systemctl", &["daemon-reload"]);
    }

    fn start(&self) {
        self.machine.run("systemctl", &["enable", "--now", SOCKET, SERVICE]);
        assert_eq!(self.machine.property(SERVICE, "ActiveState"), "active");
        let url = format!("http://{}", self.server);
        self.machine.run("portcullis", &["health", &url]);
        self.machine.run("portcullis", &["health"]);
    }

    fn stop(&self) {
        self.machine.run("systemctl", &["stop", SOCKET, SERVICE]);
    }

    /// The program serves inside of it, so it is not too tight either.
    fn the_sandbox_is_tight(&self) {
        self.machine.run("systemd-analyze", &["security", "--offline=true", "--threshold=20", SERVICE]);
        let process = self.machine.property(SERVICE, "MainPID");
        let threads = self.machine.run("ps", &["-L", "-o", "ni=,comm=", "-p", &process]);
        let hashing = threads.lines().filter(|thread| thread.contains("password"));
        let hashing: Vec<&str> = hashing.filter_map(|thread| thread.split_whitespace().next()).collect();
        assert!(!hashing.is_empty() && hashing.iter().all(|nice| *nice == "10"), "{threads}");
        self.machine.run("systemd-analyze", &["verify", "--man=no", SERVICE, SOCKET]);
    }

    fn sign_up_and_in(&self) -> String {
        let user = json!({ "email": "ann@example.com", "password": PASSWORD, "name": "Ann" });
        let url = format!("http://{}/auth/session-jwt/register", self.server);
        run("curl", &["--silent", "--show-error", "--fail", &url, "--json", &user.to_string()]);
        self.sign_in()
    }

    fn sign_in(&self) -> String {
        let user = json!({ "email": "ann@example.com", "password": PASSWORD });
        let signed_in = Request::post("/auth/session-jwt/login", &user).send(self.server).expect(201);
        let token = signed_in["access_token"].as_str().unwrap().to_owned();
        profile(&token).send(self.server).expect(200);
        token
    }

    fn secrets_and_data_are_the_services_alone(&self) {
        let owner = |file: &str| self.machine.run("stat", &["--format=%U:%G %a", file]).trim().to_owned();
        assert_eq!(owner(MASTER_KEY), "root:root 600");
        assert_eq!(owner(CONFIGURATION), "root:portcullis 640");
        assert_eq!(owner(DATA), "portcullis:portcullis 700");
        assert_eq!(owner(&format!("{DATA}/portcullis.db")), "portcullis:portcullis 600");
        let environment = self.machine.property(SERVICE, "MainPID");
        let environment = self.machine.run("cat", &[&format!("/proc/{environment}/environ")]);
        let key = fs::read_to_string(self.machine.root.file(MASTER_KEY)).unwrap();
        assert!(!environment.contains(key.trim()), "the key is in the environment of the process");
    }

    /// Whether the server has run, runs, or does not.
    fn an_administrators_commands_leave_the_files_to_the_service(&self) {
        let commands: [&[&str]; 2] = [&["user", "list"], &["mail", "test", "ann@example.com"]];
        for command in commands {
            self.machine.run("portcullis", command);
        }
        assert_eq!(self.machine.run("find", &[DATA, "!", "-user", "portcullis"]), "");
        assert_ne!(self.machine.run("find", &[DATA, "-name", "*.eml"]), "");
    }

    fn restarts_refuse_no_request(&self, token: &str) {
        let clients = Clients::at_work(self.server, &profile(token));
        let mut process = self.machine.property(SERVICE, "MainPID");
        for _ in 0..RESTARTS {
            clients.work_on();
            thread::scope(|scope| {
                // What is written meanwhile is not lost either.
                scope.spawn(|| self.sign_in());
                self.machine.run("systemctl", &["restart", SERVICE]);
            });
            let next = self.machine.property(SERVICE, "MainPID");
            assert_ne!(std::mem::replace(&mut process, next), process);
        }
        clients.finish();
    }

    fn a_wrong_configuration_is_mended(&self) {
        let path = self.machine.root.file(CONFIGURATION);
        let right = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("no.such.setting = 1\n{right}")).unwrap();
        self.machine.ask("systemctl", &["restart", SERVICE]).refused();
        fs::write(&path, right).unwrap();
        self.machine.run("systemctl", &["reset-failed", SOCKET, SERVICE]);
        self.start();
    }

    fn a_server_that_is_killed_comes_back(&self, token: &str) {
        let process = self.machine.property(SERVICE, "MainPID");
        self.machine.run("systemctl", &["kill", "--signal=KILL", SERVICE]);
        self.machine.eventually("another process serves", |machine| {
            let next = machine.property(SERVICE, "MainPID");
            let serves =
                machine.property(SERVICE, "ActiveState") == "active" && next != process && next != "0";
            serves.then_some(())
        });
        profile(token).send(self.server).expect(200);
    }

    fn an_upgrade_keeps_all_and_refuses_no_request(&self, token: &str) {
        let configuration = fs::read_to_string(self.machine.root.file(CONFIGURATION)).unwrap();
        let process = self.machine.property(SERVICE, "MainPID");
        let later = release::later_package(self.machine.root.beside());
        let clients = Clients::at_work(self.server, &profile(token));
        clients.work_on();
        self.install_package(&later);
        clients.finish();
        assert_ne!(self.machine.property(SERVICE, "MainPID"), process, "the new version runs");
        assert_eq!(fs::read_to_string(self.machine.root.file(CONFIGURATION)).unwrap(), configuration);
        let offered = format!("{CONFIGURATION}.dpkg-dist");
        assert!(self.machine.root.file(&offered).exists(), "what the new version brings lies beside it");
        self.secrets_and_data_are_the_services_alone();
        self.sign_in();
    }

    fn a_removal_keeps_data_and_configuration(&self, token: &str) {
        self.machine.run("apt-get", &["remove", "--yes", "portcullis"]);
        profile(token).try_to_send(self.server).expect_err("the server is gone, and its socket");
        let kept = [CONFIGURATION, MASTER_KEY, "/var/lib/portcullis/portcullis.db"];
        assert!(kept.iter().all(|file| self.machine.root.file(file).exists()));
        let said = self.install_package(&release::file(".deb"));
        assert!(said.contains("systemctl enable --now"), "the next step is said: {said}");
        self.start();
        profile(token).send(self.server).expect(200);
        self.secrets_and_data_are_the_services_alone();
    }

    fn a_purge_leaves_nothing(&self, before: &BTreeSet<PathBuf>) {
        // The administrator's own.
        fs::remove_dir_all(self.machine.root.file(DROP_IN)).unwrap();
        fs::remove_file(self.machine.root.file(PACKAGE)).unwrap();
        let said = self.machine.run("apt-get", &["purge", "--yes", "portcullis"]);
        let after = self.machine.root.files();
        let left: Vec<_> = after.difference(before).collect();
        assert!(left.is_empty(), "{left:?}\n{said}");
        assert!(before.is_subset(&after), "{:?}", before.difference(&after).collect::<Vec<_>>());
        let users = fs::read_to_string(self.machine.root.file("/etc/passwd")).unwrap();
        assert!(!users.contains("portcullis"), "{users}");
        let state = self.machine.ask("systemctl", &["--failed", "--no-legend", "--plain"]).text;
        assert!(!state.contains("portcullis"), "{state}");
    }
}

fn profile(token: &str) -> Request {
    Request::get("/auth/session-jwt/profile").bearing(token)
}
