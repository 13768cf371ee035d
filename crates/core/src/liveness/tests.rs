//! The fill guard, one order of events at a time. `tests/fill_protocol` tries many.

use super::fill_guard::{FillGuard, PendingFill};

fn kept(guard: &FillGuard, begun: PendingFill) -> bool {
    let mut kept = false;
    guard.keep_if_unchanged(begun, |_| kept = true);
    kept
}

#[test]
fn a_read_with_no_change_beside_it_is_kept() {
    let guard = FillGuard::new();
    let begun = guard.before_read(7, 1);
    guard.invalidate(8, || ());
    guard.invalidate_tenant(2);
    assert!(kept(&guard, begun));
}

// ASVS-map: RV2
#[test]
fn of_two_writes_at_once_neither_is_kept_and_no_read_that_was_under_way() {
    let guard = FillGuard::new();
    let (one, other, read) = (guard.before_read(7, 1), guard.before_read(7, 1), guard.before_read(7, 1));
    let written = |begun| {
        let kept = std::cell::Cell::new(None);
        guard.keep_written(begun, |_| kept.set(Some(true)), || kept.set(Some(false)));
        kept.get()
    };
    assert_eq!([written(one), written(other)], [Some(true), Some(false)], "the order of the two is unknown");
    assert!(!kept(&guard, read));
    assert_eq!(written(guard.before_read(7, 1)), Some(true));
}

#[test]
fn a_change_between_question_and_answer_drops_the_answer() {
    let guard = FillGuard::new();
    let changes: [fn(&FillGuard); 3] =
        [|guard| guard.invalidate(7, || ()), |guard| guard.invalidate_tenant(1), FillGuard::invalidate_all];
    for change in changes {
        let begun = guard.before_read(7, 1);
        change(&guard);
        assert!(!kept(&guard, begun));
    }
}
