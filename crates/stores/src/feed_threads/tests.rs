use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// Counts what it is told.
#[derive(Default)]
struct CountingSink(AtomicUsize);

impl ChangeSink for CountingSink {
    fn changed(&self, _: &Change) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn proven(&self, _: Ticks) {}
}

const CLOSED: io::ErrorKind = io::ErrorKind::NotConnected;

/// Watches through a thread that begins at once, ends when `goes_on` says so, and then tells the sink of a change.
async fn watched(feeds: &FeedThreads, sink: Arc<CountingSink>, goes_on: Receiver<()>) -> Stored<Watch> {
    let run = move |sink: Arc<dyn ChangeSink>, ready: FeedReady<io::Error>| {
        ready.send(Ok(())).unwrap();
        goes_on.recv().unwrap();
        sink.changed(&Change::Everything);
    };
    feeds.watch("test-feed", (), io::Error::from(CLOSED), sink, run).await
}

#[tokio::test]
async fn other_tasks_of_the_same_runtime_thread_go_on_while_a_feed_begins() {
    let feeds = FeedThreads::default();
    let (begin, begins) = channel();
    let run = move |_, ready: FeedReady<io::Error>| {
        begins.recv().unwrap();
        ready.send(Ok(())).unwrap();
    };
    let sink = Arc::new(CountingSink::default());
    let watch = feeds.watch("test-feed", (), io::Error::from(CLOSED), sink, run);
    let (watch, ()) = tokio::join!(watch, async { begin.send(()).unwrap() });
    assert!(watch.is_ok());
}

#[tokio::test]
async fn a_dropped_watch_is_told_nothing_more_and_waits_for_nothing_but_the_store_does() {
    let feeds = FeedThreads::default();
    let (go_on, goes_on) = channel();
    let sink = Arc::new(CountingSink::default());
    drop(watched(&feeds, sink.clone(), goes_on).await.unwrap());
    go_on.send(()).unwrap();
    feeds.stop();
    assert!(go_on.send(()).is_err(), "the thread has not ended");
    assert_eq!(sink.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_watch_whose_caller_hangs_up_before_it_begins_is_told_to_end() {
    let feeds = FeedThreads::default();
    let ((stop, stopped), (ended, end)) = (channel::<()>(), channel());
    let run = move |_, ready: FeedReady<io::Error>| {
        ended.send(stopped.recv()).unwrap();
        drop(ready);
    };
    let sink = Arc::new(CountingSink::default());
    let watch = feeds.watch("test-feed", stop, io::Error::from(CLOSED), sink, run);
    tokio::select! {
        biased;
        _ = watch => unreachable!("it does not begin"),
        () = async {} => {}
    }
    assert!(end.recv().unwrap().is_err());
}
