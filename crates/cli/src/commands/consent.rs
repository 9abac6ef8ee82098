//! Asks whether something is to be done. Neighbours: every command that changes AWS. Not here: what it is.

use std::io;

use crate::failure::Failure;
use crate::output::{Asking, Output};

/// Whether somebody has agreed beforehand, with --yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// Yes: nothing is asked.
    Given,
    /// No: somebody has to be there.
    Asked,
}

impl From<bool> for Consent {
    fn from(yes: bool) -> Self {
        if yes { Self::Given } else { Self::Asked }
    }
}

impl Consent {
    /// Fails where nobody can be asked, before anything is done.
    pub(super) fn possible(self, out: &Output) -> Result<(), Failure> {
        match (self, out.asking) {
            (Self::Asked, Asking::Impossible) => {
                Err(Failure::usage("nobody is here to be asked").hint("give --yes to go on without a question"))
            }
            (Self::Given, _) | (Self::Asked, Asking::Possible) => Ok(()),
        }
    }

    /// Asks, unless somebody has agreed beforehand.
    pub(super) async fn to(self, question: &str, out: &mut Output) -> io::Result<bool> {
        if self == Self::Given {
            return Ok(true);
        }
        out.talk(&format!("{question} Only `yes` is taken for it: "))?;
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = read.await.map_err(io::Error::other)??;
        Ok(line.trim() == "yes")
    }
}
