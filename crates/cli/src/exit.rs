//! The exit codes of `axon`, in one place. Neighbours: every command ends with one. Not here: what is printed.

use std::process::ExitCode;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done. Valid, no changes, applied, all Ready, stopped as asked.
    Done,
    /// 1: it ran, and the answer is no. Findings, a failed or stalled object, not Ready, AWS out of reach.
    Failed,
    /// 2: the command line cannot be followed. Nothing was done.
    Usage,
    /// 2, of `plan --detailed-exitcode`: the plan has steps.
    Changes,
    /// 124, as of timeout(1): `--timeout` ran out. What was begun goes on in AWS.
    TimedOut,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage | Self::Changes => 2,
            Self::TimedOut => 124,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Changes, Exit::TimedOut].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 2, 124]);
    }
}
