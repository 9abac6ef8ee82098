//! Tokens and keys: where they come from, and that nothing shows them.
//!
//! `settings` names them, `http` and `ssh` use them. A file is read at every look, so that a secret can be changed while
//! everything runs. Not here: the environment, which is read by the command line.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::failure::Failure;
use crate::source::status::SourceReason;

/// A token or a private key.
#[derive(Clone)]
pub enum Secret {
    /// Known already, for instance from the environment.
    Text(String),
    /// In a file, which is read anew whenever the secret is needed.
    File(PathBuf),
}

impl Secret {
    /// The secret, without the end of its line.
    pub(crate) fn read(&self) -> Result<String, Failure> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(path) => fs::read_to_string(path).map_err(|error| {
                let message = format!("the file of the secret, {}, cannot be read: {error}", path.display());
                Failure::new(SourceReason::AuthenticationFailed, message)
            })?,
        };
        let secret = text.trim();
        if secret.is_empty() {
            let message = format!("the secret of the source ({self:?}) is empty");
            return Err(Failure::new(SourceReason::AuthenticationFailed, message));
        }
        Ok(secret.to_owned())
    }
}

/// Where it is from; never what it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("given as a text"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        assert!(!format!("{:?}", Secret::Text("hunter2".to_owned())).contains("hunter2"));
    }

    #[test]
    fn a_file_is_read_anew_each_time_and_without_the_end_of_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let secret = Secret::File(path.clone());
        assert_eq!(secret.read().unwrap_err().reason, SourceReason::AuthenticationFailed);
        for token in ["one", "two"] {
            fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(secret.read().unwrap(), token);
        }
        fs::write(&path, "\n").unwrap();
        assert!(secret.read().is_err());
    }
}
