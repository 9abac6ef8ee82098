//! Paper to log on, for tests. Neighbours: the tests of `logging` and `lookout`. Not here: what a line looks like.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Subscriber};

/// Keeps what is written; its clones are the same sheet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    /// All that is written so far.
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens on this thread until it is dropped.
pub(crate) struct Listening {
    _first: DefaultGuard,
    _second: Dispatch,
}

/// Hands what this thread tells to a subscriber, also while other tests run on other threads. While a process has one
/// subscriber, the thread that comes by a line first decides for all whether anybody wants it, and that may be one on
/// which nobody listens (tracing-core, `callsite::dispatchers`). So there are two.
pub(crate) fn listen(subscriber: impl Subscriber + Send + Sync + 'static) -> Listening {
    let second = Dispatch::new(NoSubscriber::new());
    Listening { _first: tracing::subscriber::set_default(subscriber), _second: second }
}
