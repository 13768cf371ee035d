//! The outbox, and mail servers that do not answer. Tests with a mail server are among those that need tools.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn put(home: &Path, mail: &OutgoingMail) {
    Mailer::new(&config(home, &[]), BASE).unwrap().deliver(mail).await.unwrap();
}

#[tokio::test]
async fn a_mail_is_a_file_for_its_owner_alone_and_the_newest_comes_first() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    assert_eq!(mail_files(&data.join("outbox")).unwrap(), Vec::<PathBuf>::new());
    for (minutes, email) in [(2, "bob@example.com"), (1, "ann@example.com"), (3, "cem@example.com")] {
        let to = Email::parse(email).unwrap();
        put(&data, &OutgoingMail { to, at: later(minutes), ..mail(code("x")) }).await;
    }
    let paths = mail_files(&data.join("outbox")).unwrap();
    let read = |path: &PathBuf| ParsedMessage::parse(&fs::read(path).unwrap()).unwrap();
    let recipients: Vec<String> = paths.iter().map(|path| read(path).to).collect();
    assert_eq!(recipients, ["Ann <cem@example.com>", "Ann <bob@example.com>", "Ann <ann@example.com>"]);
    assert_eq!(mode(&data.join("outbox")), 0o700);
    assert!(paths.iter().all(|path| mode(path) == 0o600));
    assert_eq!(fs::read_dir(data.join("outbox")).unwrap().count(), 3, "something was left over");
}

#[tokio::test]
async fn a_files_name_has_time_and_recipient_and_stays_in_its_folder() {
    let home = TempDir::new().unwrap();
    for (email, name) in [
        ("Ann@Example.com", "20260128T221256311Z_ann@example.com_1b9d6bcd.eml"),
        ("a/../../b{x}@example.com", "20260128T221256311Z_"),
        ("žofie@example.com", "20260128T221256311Z__ofie@example.com_1b9d6bcd.eml"),
    ] {
        let Ok(to) = Email::parse(email) else { continue };
        put(home.path(), &OutgoingMail { to, ..mail(code("x")) }).await;
        let names: Vec<String> = mail_files(&home.path().join("outbox"))
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert!(names.iter().any(|found| found.starts_with(name)), "{names:?}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// ASVS-map: LG1
#[tokio::test]
async fn the_log_names_the_file_and_nothing_of_its_content() {
    let (home, lines) = (TempDir::new().unwrap(), Lines::default());
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    for message in messages_of_all_kinds() {
        put(home.path(), &mail(message)).await;
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("INFO") && line.contains(".eml")).count(), 9, "{log}");
    assert!(!log.contains(CODE) && !log.contains(TOKEN), "{log}");
}

#[tokio::test]
async fn a_mail_for_a_folder_that_cannot_be_written_to_is_tried_again() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("outbox"), "").unwrap();
    let tried = Mailer::new(&config(home.path(), &[]), BASE).unwrap().deliver(&mail(code("x"))).await;
    assert!(
        matches!(&tried, Err(DeliveryError::Later(why)) if why.contains("outbox cannot be written to")),
        "{tried:?}"
    );
}

/// Where this test does not run as root, it cannot give a folder away: then everything is its own user's, and links
/// lead where they always did.
#[tokio::test]
async fn a_mail_of_root_is_of_the_user_whose_folder_it_is_in_and_no_link_of_that_user_leads_it_elsewhere() {
    let home = TempDir::new().unwrap();
    let [data, own] = ["data", "own"].map(|name| home.path().join(name));
    fs::create_dir(&data).unwrap();
    fs::create_dir(&own).unwrap();
    let is_root = fs::metadata(&own).unwrap().uid() == 0;
    if is_root {
        chown(&data, Some(65534), Some(65534)).unwrap();
    }
    put(&data, &mail(code("x"))).await;
    let outbox = data.join("outbox");
    let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
    assert_eq!(owner(&outbox), owner(&data));
    assert!(mail_files(&outbox).unwrap().iter().all(|path| owner(path) == owner(&data)));

    fs::rename(&outbox, data.join("before")).unwrap();
    symlink(&own, &outbox).unwrap();
    let tried = Mailer::new(&config(&data, &[]), BASE).unwrap().deliver(&mail(code("x"))).await;
    assert_eq!(mail_files(&own).unwrap().is_empty(), is_root, "{tried:?}");
    if is_root {
        let Err(DeliveryError::Later(why)) = tried else { panic!("{tried:?}") };
        assert!(why.contains("outbox is a symbolic link that user 65534 can change"), "{why}");
    }
}

fn to_port(port: u16, parameters: &str) -> Mailer {
    let transport = format!("smtp://127.0.0.1:{port}{parameters}");
    let variables = [("TRANSPORT", transport.as_str()), ("FROM", "a@example.com"), ("TIMEOUT", "1s")];
    Mailer::new(&config(Path::new("data"), &variables), BASE).unwrap()
}

#[tokio::test]
async fn a_mail_for_a_server_that_is_down_is_tried_again() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tried = to_port(port, "?tls=none").deliver(&mail(code("x"))).await;
    let Err(DeliveryError::Later(why)) = tried else { panic!("{tried:?}") };
    assert!(why.starts_with(&format!("127.0.0.1:{port}: ")) && why.contains("refused"), "{why}");
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_beyond_the_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for parameters in ["?tls=none", ""] {
        let tried = to_port(port, parameters).deliver(&mail(code("x"))).await;
        let Err(DeliveryError::Later(why)) = tried else { panic!("{tried:?}") };
        assert!(why.contains("did not answer within 1s"), "{why}");
    }
}

#[test]
fn a_bad_certificate_authority_is_reported_with_its_file() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("ca.pem");
    let ca = file.to_string_lossy().into_owned();
    let variables = [("TRANSPORT", "smtp://localhost"), ("FROM", "a@example.com"), ("CA", ca.as_str())];
    let fault = || Mailer::new(&config(home.path(), &variables), BASE).err().unwrap().to_string();
    assert!(fault().starts_with(&format!("mail.ca: {ca}: ")), "{}", fault());
    fs::write(&file, "not a certificate").unwrap();
    assert!(fault().starts_with(&format!("mail.ca: {ca}: ")), "{}", fault());
}
