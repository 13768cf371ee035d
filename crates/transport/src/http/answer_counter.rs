//! How many requests were answered, by route, method and status.
//!
//! A request is counted under the route that it matches, never under what the client wrote.

use std::sync::{PoisonError, RwLock};

use http::{Method, StatusCode};
use metrics::{Counter, counter};

/// The counters of one route, by method and status. Each is looked up by its labels once.
#[derive(Debug)]
pub struct AnswerCounter {
    metric: &'static str,
    route: String,
    counters: RwLock<Vec<(&'static str, StatusCode, Counter)>>,
}

impl AnswerCounter {
    /// Counts the answers of a route under the name of a metric.
    #[must_use]
    pub fn new(metric: &'static str, route: String) -> Self {
        Self { metric, route, counters: RwLock::default() }
    }

    /// The route.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Counts an answer.
    pub fn answered(&self, method: &Method, status: StatusCode) {
        let method = known_method(method);
        let known = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, with, _)| *of == method && *with == status);
        if let Some((.., counter)) = found {
            return counter.increment(1);
        }
        drop(known);
        let (route, code) = (self.route.clone(), status.as_str().to_owned());
        let counter = counter!(self.metric, "route" => route, "method" => method, "status" => code);
        counter.increment(1);
        self.counters.write().unwrap_or_else(PoisonError::into_inner).push((method, status, counter));
    }
}

/// A client can make up any number of methods; they are counted as one.
#[must_use]
pub fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_methods_are_counted_as_one() {
        let methods = ["GET", "POST", "get", "FROB1", "FROB2"].map(|name| name.parse::<Method>().unwrap());
        assert_eq!(methods.each_ref().map(known_method), ["GET", "POST", "other", "other", "other"]);
    }
}
