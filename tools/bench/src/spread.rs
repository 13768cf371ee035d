//! The median of several rounds, with the smallest and the largest: one round on a shared machine means little.

use std::fmt;

/// One figure over all rounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` where nothing was measured.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let upper = *figures.get(figures.len() / 2)?;
        let lower = *figures.get((figures.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), least: *figures.first()?, most: *figures.last()? })
    }

    /// The same figures in a unit that is this many times larger.
    pub(crate) fn scaled_down(self, by: f64) -> Self {
        Self { median: self.median / by, least: self.least / by, most: self.most / by }
    }

    /// Each round's figure as a share of another's of the same round: what slowed the machine down slowed both.
    pub(crate) fn of_ratios(figures: &[f64], bases: &[f64]) -> Option<Self> {
        Self::of(
            figures.iter().zip(bases).filter(|(_, base)| **base > 0.0).map(|(figure, base)| figure / base),
        )
    }
}

/// `median (least–most)`; the digits follow the size, unless a precision is given.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(match self.median.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        });
        write!(f, "{:.digits$} ({:.digits$}–{:.digits$})", self.median, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let odd = Spread::of([9.0, 1.0, 5.0]).unwrap();
        assert_eq!(odd, Spread { median: 5.0, least: 1.0, most: 9.0 });
        assert!((Spread::of([1.0, 2.0, 4.0, 100.0]).unwrap().median - 3.0).abs() < 1e-9);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let ratios = Spread::of_ratios(&[50.0, 5.0, 9.0], &[100.0, 10.0, 10.0]).unwrap();
        assert_eq!(ratios, Spread { median: 0.5, least: 0.5, most: 0.9 });
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
    }

    #[test]
    fn small_figures_show_more_digits() {
        assert_eq!(Spread::of([0.912, 1.0]).unwrap().to_string(), "0.96 (0.91–1.00)");
        assert_eq!(Spread::of([51_234.4]).unwrap().to_string(), "51234 (51234–51234)");
        assert_eq!(format!("{:.1}", Spread::of([0.25]).unwrap()), "0.2 (0.2–0.2)");
    }
}
