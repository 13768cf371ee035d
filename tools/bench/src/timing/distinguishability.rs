//! How well a caller who measures can tell two kinds of answers apart (Mann and Whitney's U, as a share).

/// The chance that a figure of the first kind is larger than one of the second, ties counted half: 0.5 tells nothing,
/// 0 and 1 tell the two apart each time. `None` where there is nothing to compare.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 answers")]
pub(super) fn auc(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let mut sorted = second.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins = first.iter().map(|figure| {
        let smaller = sorted.partition_point(|other| other < figure);
        let not_larger = sorted.partition_point(|other| other <= figure);
        (smaller + not_larger) as f64 / 2.0
    });
    Some(wins.sum::<f64>() / (first.len() as f64 * second.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn what_never_overlaps_is_told_apart_each_time() {
        assert!(near(auc(&[3.0, 4.0], &[1.0, 2.0]), 1.0));
        assert!(near(auc(&[1.0, 2.0], &[3.0, 4.0]), 0.0));
    }

    #[test]
    fn what_is_the_same_is_not_told_apart() {
        let figures: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(near(auc(&figures, &figures), 0.5));
        assert!(near(auc(&[1.0; 7], &[1.0; 5]), 0.5));
        assert_eq!(auc(&[], &[1.0]), None);
    }

    #[test]
    fn every_pair_counts_and_a_tie_counts_half() {
        // 2 > 1; 2 = 2; 5 > 1; 5 > 2; 0 < both.
        assert!(near(auc(&[2.0, 5.0, 0.0], &[1.0, 2.0]), 3.5 / 6.0));
    }
}
