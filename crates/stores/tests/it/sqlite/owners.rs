//! What root makes in folders of another user. Only root can give files away: run by another user, these tests assert
//! that everything is that user's, and that links lead where they always did.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use portcullis_core::machine::SystemClock;
use portcullis_stores::sqlite::{OwnersFolder, SqliteStore};
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use super::open;

/// The number of the user `nobody`.
const OTHER_USER: u32 = 65534;

/// A folder of this process's user, and one of another user's.
struct TwoOwners {
    place: TempDir,
    /// The owner of what is made in the other folder.
    owner: u32,
}

impl TwoOwners {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        for name in ["own", "others"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let owner = if geteuid().is_root() { OTHER_USER } else { geteuid().as_raw() };
        chown(place.path().join("others"), Some(owner), None).unwrap();
        Self { place, owner }
    }

    fn own(&self) -> PathBuf {
        self.place.path().join("own")
    }

    fn others(&self) -> PathBuf {
        self.place.path().join("others")
    }

    /// Makes a link that belongs to `owner`.
    fn link(target: &Path, link: &Path, owner: u32) {
        symlink(target, link).unwrap();
        lchown(link, Some(owner), None).unwrap();
    }
}

fn owner(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn a_database_and_its_folders_belong_to_the_owner_of_the_folder_that_was_there() {
    let home = TwoOwners::new();
    let path = home.others().join("tenants/of-acme/acme.db");
    let store = open(&path).await;
    store.ping().await.unwrap();
    let folders = path.ancestors().skip(1).take(2).map(Path::to_owned);
    for made in folders.chain(["db", "db-wal", "db-shm"].map(|suffix| path.with_extension(suffix))) {
        assert_eq!(owner(&made), home.owner, "{}", made.display());
    }
    let beside = home.own().join("tenants/acme.db");
    open(&beside).await.close().await;
    assert_eq!(owner(&beside), owner(&home.own()));
}

#[tokio::test]
async fn a_link_that_another_user_can_change_leads_root_nowhere() {
    let home = TwoOwners::new();
    let own = geteuid().as_raw();
    let links = [
        (home.others().join("planted"), home.owner),
        (home.others().join("of-root"), own),
        (home.own().join("planted"), home.owner),
    ];
    let target = home.own().join("target");
    fs::create_dir(&target).unwrap();
    for (number, (link, owner)) in links.into_iter().enumerate() {
        TwoOwners::link(&target, &link, owner);
        for path in [link.join(format!("{number}.db")), link.join(format!("made-{number}/acme.db"))] {
            let opened = SqliteStore::open(&path, Arc::new(SystemClock)).await;
            if !geteuid().is_root() {
                opened.unwrap().close().await;
                assert!(target.join(path.strip_prefix(&link).unwrap()).exists());
                continue;
            }
            let refused = opened.unwrap_err().to_string();
            let why = "is a symbolic link that user 65534 can change, which root does not follow";
            assert!(refused.contains(why), "{refused}");
            assert!(is_empty(&target), "{}: root went through it", path.display());
        }
    }
    assert_eq!(owner(&target), own);
}

#[tokio::test]
async fn a_link_in_the_place_of_the_database_leads_root_nowhere() {
    let home = TwoOwners::new();
    let (target, link) = (home.own().join("empty"), home.others().join("acme.db"));
    fs::write(&target, "").unwrap();
    TwoOwners::link(&target, &link, home.owner);
    let opened = SqliteStore::open(&link, Arc::new(SystemClock)).await;
    if !geteuid().is_root() {
        return opened.unwrap().close().await;
    }
    let refused = opened.unwrap_err().to_string();
    assert!(refused.contains("acme.db is a symbolic link that user 65534 can change"), "{refused}");
    assert_eq!((fs::metadata(&target).unwrap().len(), owner(&target)), (0, 0));
}

#[tokio::test]
async fn links_of_the_administrator_lead_to_the_data_folder() {
    let home = TwoOwners::new();
    let own = geteuid().as_raw();
    TwoOwners::link(&home.others(), &home.own().join("data"), own);
    TwoOwners::link(Path::new("../own/data"), &home.own().join("portcullis"), own);
    open(&home.own().join("portcullis/tenants/acme.db")).await.close().await;
    let made = home.others().join("tenants/acme.db");
    assert_eq!((owner(&made), owner(made.parent().unwrap())), (home.owner, home.owner));

    // A volume that is not mounted.
    TwoOwners::link(&home.own().join("volume"), &home.own().join("unmounted"), own);
    let below = home.own().join("unmounted/acme.db");
    let refused = SqliteStore::open(&below, Arc::new(SystemClock)).await.unwrap_err().to_string();
    assert!(refused.contains("unmounted cannot be made"), "{refused}");
    assert!(!home.own().join("volume").exists());

    TwoOwners::link(Path::new("round"), &home.own().join("round"), own);
    assert!(OwnersFolder::open_or_make(&home.own().join("round")).is_err(), "it goes round");
}

#[test]
fn a_folder_that_is_replaced_while_it_is_open_still_gets_its_files() {
    let home = TwoOwners::new();
    let path = home.others().join("outbox");
    let folder = OwnersFolder::open_or_make(&path).unwrap();
    let moved = home.others().join("moved");
    fs::rename(&path, &moved).unwrap();
    TwoOwners::link(&home.own(), &path, home.owner);
    folder.make_file(Path::new("hidden")).unwrap().write_all(b"a mail").unwrap();
    folder.rename(Path::new("hidden"), Path::new("mail")).unwrap();
    assert!(is_empty(&home.own()));
    assert_eq!(fs::read(moved.join("mail")).unwrap(), b"a mail");
    assert_eq!((owner(&moved), owner(&moved.join("mail"))), (home.owner, home.owner));
    // A link in the place of a new file is not written through either.
    TwoOwners::link(&home.own().join("new"), &moved.join("planted"), home.owner);
    assert!(folder.make_file(Path::new("planted")).is_err());
    assert!(is_empty(&home.own()));
}

#[test]
fn root_that_can_give_nothing_away_goes_on() {
    let home = TwoOwners::new();
    let outbox = home.others().join("outbox");
    // Of this thread alone, which ends with it.
    let work = || {
        let mut of_thread = capabilities(None).unwrap();
        of_thread.effective.remove(CapabilitySet::CHOWN);
        set_capabilities(None, of_thread).unwrap();
        OwnersFolder::open_or_make(&outbox).unwrap().make_file(Path::new("mail")).map(drop::<File>).unwrap();
    };
    thread::scope(|threads| threads.spawn(work).join().unwrap());
    let own = geteuid().as_raw();
    assert_eq!((owner(&outbox), owner(&outbox.join("mail"))), (own, own));
}
