use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_core::id::TenantId;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session, tenant, user};
use portcullis_core::store::{Inserted, Page, StoreError, UserHandle};
use tempfile::TempDir;

use super::{TestDirectory, by_hand, open, other_program};

#[tokio::test]
async fn a_corrupt_session_is_named_and_leaves_the_others_alone() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let (bad, good) = (session(&new_user_key(&tenant("bad"))), session(&new_user_key(&tenant("good"))));
    stores.sessions.insert(&bad).await.unwrap();
    stores.sessions.insert(&good).await.unwrap();
    for (field, value) in [
        ("strategy", "'telepathy'"),
        ("epoch_user", "-1"),
        ("rotation_kid", "'a b'"),
        ("rotation_generation", "NULL"),
        ("proof_shown", "NULL"),
        ("user_id", "'jo'"),
    ] {
        let spoiled = format!("UPDATE sessions SET {field} = {value} WHERE tenant = 'bad'");
        by_hand(&path, &spoiled);
        match stores.sessions.find(&by_id(&bad), NOW).await {
            Err(StoreError::Corrupt { record: "session", id, field: named }) => {
                assert_eq!((id, named), (bad.key.id.to_string(), field));
            }
            other => panic!("{field}: {other:?}"),
        }
        assert_eq!(stores.sessions.find(&by_id(&good), NOW).await.unwrap().as_ref(), Some(&good));
        by_hand(&path, "DELETE FROM sessions WHERE tenant = 'bad'");
        assert_eq!(stores.sessions.insert(&bad).await.unwrap(), Inserted::Done);
    }
}

// ASVS-map: AU6
#[tokio::test]
async fn a_user_found_by_another_address_than_it_shows_is_corrupt() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let jo = user(&tenant("acme"), "jo@example.com");
    stores.users.insert(&jo).await.unwrap();
    by_hand(&path, "UPDATE users SET email = 'mallory@example.com'");
    let found = stores.users.find(&UserHandle::Id(jo.key.clone())).await;
    assert!(
        matches!(found, Err(StoreError::Corrupt { record: "user", field: "email_canonical", .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_process_that_holds_the_lock_for_a_while_makes_others_wait_and_not_fail() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    let other = other_program(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let signed_in = session(&new_user_key(&TenantId::default_tenant()));
    let release = async {
        let found = stores.sessions.find(&by_id(&signed_in), NOW).await;
        assert_eq!(found.unwrap(), None, "a reader waits for the writer");
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (inserted, ()) = tokio::join!(stores.sessions.insert(&signed_in), release);
    assert_eq!(inserted.unwrap(), Inserted::Done);
}

/// A file system of a few megabytes.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` if the process may not mount.
    fn mounted() -> Option<Self> {
        let place = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(place.path());
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self(place))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the rest of the disk.
    fn filled(&self) -> PathBuf {
        let ballast = self.path().join("ballast");
        fs::write(&ballast, vec![0; 8 << 20]).expect_err("the disk is not small");
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|done| done.success()));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_what_was_acknowledged_and_is_forgotten_when_there_is_room() {
    let Some(disk) = SmallDisk::mounted() else {
        println!("NOT SHOWN: a full disk, for want of the right to mount a small one");
        return;
    };
    let store = open(&disk.path().join("portcullis.db")).await;
    let stores = store.stores();
    let jo = new_user_key(&TenantId::default_tenant());
    let mut acknowledged = vec![session(&jo)];
    stores.sessions.insert(&acknowledged[0]).await.unwrap();
    let ballast = disk.filled();
    let fault = loop {
        let next = session(&jo);
        match stores.sessions.insert(&next).await {
            Ok(inserted) => assert_eq!(inserted, Inserted::Done),
            Err(fault) => break fault,
        }
        acknowledged.push(next);
    };
    assert!(matches!(fault, StoreError::Unavailable { .. }), "{fault:?}");

    let page = Page { after: None, limit: 10_000 };
    assert_eq!(stores.sessions.list(&jo, page, NOW).await.unwrap().len(), acknowledged.len());
    fs::remove_file(ballast).unwrap();
    let next = session(&jo);
    assert_eq!(stores.sessions.insert(&next).await.unwrap(), Inserted::Done);
    acknowledged.push(next);
    acknowledged.sort_by_key(|session| session.key.id);
    assert_eq!(stores.sessions.list(&jo, page, NOW).await.unwrap(), acknowledged);
    store.close().await;
}
