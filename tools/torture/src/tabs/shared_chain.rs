//! What the tabs of one browser know together of their refresh tokens: each has one successor.

use std::collections::HashMap;

use crate::breach::{Breach, BreachKind};

/// The tokens of a session in order, as far as a tab got them.
#[derive(Debug)]
pub(super) struct SharedChain {
    places: HashMap<String, usize>,
    tokens: Vec<String>,
    /// The places of tokens that were refused as long spent.
    refused: Vec<usize>,
    /// How often a token was answered with the successor that it had been answered with before.
    pub(super) repeated: u64,
}

impl SharedChain {
    pub(super) fn begins(first: String) -> Self {
        let places = HashMap::from([(first.clone(), 0)]);
        Self { places, tokens: vec![first], refused: Vec::new(), repeated: 0 }
    }

    /// The newest token that a tab got: the one in the storage that the tabs share.
    pub(super) fn newest(&self) -> String {
        self.tokens.last().cloned().unwrap_or_default()
    }

    /// How often the token was traded.
    pub(super) fn generations(&self) -> usize {
        self.tokens.len() - 1
    }

    /// How often a token was refused as long spent.
    pub(super) fn refusals(&self) -> usize {
        self.refused.len()
    }

    /// A tab showed one token and was given another.
    ///
    /// # Errors
    /// The first has another successor already, or the second another predecessor.
    pub(super) fn learn(&mut self, shown: &str, given: &str) -> Result<(), Breach> {
        let place = self.place(shown)?;
        match self.tokens.get(place + 1) {
            Some(successor) if successor == given => self.repeated += 1,
            Some(_) => return Err(twice(format!("generation {place} has two successors"))),
            None => {
                let next = self.tokens.len();
                if self.places.insert(given.to_owned(), next).is_some() {
                    return Err(twice(format!("a token came back as the successor of generation {place}")));
                }
                self.tokens.push(given.to_owned());
            }
        }
        Ok(())
    }

    /// A tab showed a token and was told that it was spent long ago.
    ///
    /// # Errors
    /// No tab ever got that token.
    pub(super) fn refuse(&mut self, shown: &str) -> Result<(), Breach> {
        let place = self.place(shown)?;
        self.refused.push(place);
        Ok(())
    }

    /// Whether each token that was refused was older than the one before the newest.
    ///
    /// # Errors
    /// One was not.
    pub(super) fn refused_rightly(&self) -> Result<(), Breach> {
        match self.refused.iter().find(|place| *place + 2 >= self.tokens.len()) {
            Some(place) => Err(BreachKind::ProofRefused.breach(format!(
                "generation {place} of {} was refused, although a tab may repeat it",
                self.generations()
            ))),
            None => Ok(()),
        }
    }

    fn place(&self, token: &str) -> Result<usize, Breach> {
        self.places.get(token).copied().ok_or_else(|| "a token that no tab was given".into())
    }
}

fn twice(what: String) -> Breach {
    BreachKind::SpentTwice.breach(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_successor_however_often_it_is_shown() {
        let mut chain = SharedChain::begins("a".to_owned());
        chain.learn("a", "b").unwrap();
        chain.learn("a", "b").unwrap();
        chain.learn("b", "c").unwrap();
        assert_eq!((chain.newest().as_str(), chain.generations(), chain.repeated), ("c", 2, 1));
        assert!(chain.learn("a", "x").unwrap_err().what.contains("two successors"));
        assert!(chain.learn("c", "a").unwrap_err().what.contains("came back"));
        assert!(chain.learn("z", "y").is_err());
    }

    #[test]
    fn only_what_is_older_than_the_one_before_the_newest_may_be_refused() {
        let mut chain = SharedChain::begins("a".to_owned());
        chain.learn("a", "b").unwrap();
        chain.refuse("a").unwrap();
        let wrongly = "generation 0 of 1 was refused, although a tab may repeat it";
        assert_eq!(chain.refused_rightly(), Err(BreachKind::ProofRefused.breach(wrongly)));
        chain.learn("b", "c").unwrap();
        chain.refused_rightly().unwrap();
    }
}
