//! Reads the output of strace: a request comes in, the database's log is written and synced, the answer
//! goes out. One client at a time, so that what happens in between belongs to that request.

use std::collections::HashMap;

/// The system calls that strace records.
pub(crate) const CALLS: &str = "trace=read,recvfrom,pwrite64,fsync,fdatasync,write,writev,sendto";

/// A system call that matters: a request once it was read, a sync once it is done, a write to
/// the database or an answer before it begins.
#[derive(PartialEq, Eq, Debug)]
enum TraceEvent {
    Asked(String),
    Logged,
    Synced,
    Answered,
}

/// The order of sync and answer for one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// What it changed was synced before its answer.
    SyncedFirst,
    /// What it changed was not synced, or too late.
    AnsweredFirst,
    /// It changed nothing.
    NothingWritten,
}

pub(crate) struct Trace(Vec<TraceEvent>);

impl Trace {
    /// Reads lines as `strace -f -y` writes them.
    pub(crate) fn parse(text: &str) -> Self {
        let mut begun: HashMap<&str, String> = HashMap::new();
        let mut moments = Vec::new();
        for line in text.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix(" <unfinished ...>") {
                moments.extend(at_start(start));
                begun.insert(thread, start.to_owned());
            } else if let Some((_, end)) = call.split_once(" resumed>") {
                let whole = begun.remove(thread).unwrap_or_default() + end;
                moments.extend(at_end(&whole));
            } else {
                moments.extend(at_start(call).into_iter().chain(at_end(call)));
            }
        }
        Self(moments)
    }

    /// The requests that were answered, as their first line begins, each with its verdict.
    pub(crate) fn answers(&self) -> Vec<(&str, Verdict)> {
        let mut asked = None;
        let mut answers = Vec::new();
        for moment in &self.0 {
            match moment {
                TraceEvent::Asked(request) => asked = Some((request.as_str(), Verdict::NothingWritten)),
                TraceEvent::Logged => advance(&mut asked, Verdict::AnsweredFirst),
                TraceEvent::Synced => advance(&mut asked, Verdict::SyncedFirst),
                TraceEvent::Answered => answers.extend(asked.take()),
            }
        }
        answers
    }
}

/// A sync counts only for what was written before it, and a write takes back what an earlier sync had proven.
fn advance(asked: &mut Option<(&str, Verdict)>, to: Verdict) {
    if let Some((_, verdict)) = asked
        && (to == Verdict::AnsweredFirst || *verdict == Verdict::AnsweredFirst)
    {
        *verdict = to;
    }
}

fn at_start(call: &str) -> Option<TraceEvent> {
    let (name, arguments) = call.split_once('(')?;
    match name {
        "pwrite64" if is_log(arguments) => Some(TraceEvent::Logged),
        "write" | "writev" | "sendto" if is_socket(arguments) && call.contains("\"HTTP/1.1 ") => {
            Some(TraceEvent::Answered)
        }
        _ => None,
    }
}

fn at_end(call: &str) -> Option<TraceEvent> {
    let (name, arguments) = call.split_once('(')?;
    match name {
        "fsync" | "fdatasync" if is_log(arguments) && call.ends_with("= 0") => Some(TraceEvent::Synced),
        "read" | "recvfrom" if is_socket(arguments) => {
            let request = call.split_once("\"POST ").or_else(|| call.split_once("\"GET "))?.1;
            Some(TraceEvent::Asked(request.split(' ').next()?.to_owned()))
        }
        _ => None,
    }
}

fn is_log(arguments: &str) -> bool {
    arguments.split_once('>').is_some_and(|(descriptor, _)| descriptor.ends_with(".db-wal"))
}

fn is_socket(arguments: &str) -> bool {
    let descriptor = arguments.split_once(']').map_or("", |(descriptor, _)| descriptor);
    descriptor.contains("<socket:[") || descriptor.contains("<TCP:[")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str =
        r#"7 recvfrom(9<TCP:[1->2]>, "POST /auth/jwt/logout HTTP/1.1\r\n", 99, 0, NULL, NULL) = 99"#;
    const LOGGED: &str = r#"8 pwrite64(5</d/portcullis.db-wal>, "...", 24, 0) = 24"#;
    const SYNC_BEGINS: &str = "8 fdatasync(5</d/portcullis.db-wal> <unfinished ...>";
    const SYNC_ENDS: &str = "8 <... fdatasync resumed>)            = 0";
    const SYNC_FAILS: &str = "8 <... fdatasync resumed>)            = -1 EIO (Input/output error)";
    const SYNC_OF_ANOTHER_FILE: &str = "8 fdatasync(6</d/other.db-shm>) = 0";
    const ANSWERED: &str =
        r#"7 writev(9<TCP:[1->2]>, [{iov_base="HTTP/1.1 201 Created\r\n", iov_len=9}], 1) = 9"#;

    fn verdict(lines: &[&str]) -> Verdict {
        let trace = Trace::parse(&lines.join("\n"));
        let answers = trace.answers();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].0, "/auth/jwt/logout");
        answers[0].1
    }

    #[test]
    fn a_sync_counts_if_it_is_done_before_the_answer_begins() {
        assert_eq!(verdict(&[ASKED, LOGGED, SYNC_BEGINS, SYNC_ENDS, ANSWERED]), Verdict::SyncedFirst);
        assert_eq!(verdict(&[ASKED, LOGGED, SYNC_BEGINS, ANSWERED, SYNC_ENDS]), Verdict::AnsweredFirst);
        assert_eq!(verdict(&[ASKED, LOGGED, SYNC_BEGINS, SYNC_FAILS, ANSWERED]), Verdict::AnsweredFirst);
    }

    #[test]
    fn a_sync_of_something_else_or_of_something_earlier_does_not_count() {
        assert_eq!(verdict(&[ASKED, LOGGED, SYNC_OF_ANOTHER_FILE, ANSWERED]), Verdict::AnsweredFirst);
        assert_eq!(verdict(&[ASKED, SYNC_BEGINS, SYNC_ENDS, LOGGED, ANSWERED]), Verdict::AnsweredFirst);
        assert_eq!(verdict(&[ASKED, SYNC_BEGINS, SYNC_ENDS, ANSWERED]), Verdict::NothingWritten);
    }
}
