//! Git over SSH: the `ssh` program with one key, one list of known hosts, and nothing else of whoever runs this.
//!
//! `store` opens a session, gix speaks the protocol over its pipes. The program is started without a shell; its arguments
//! are made here from an address that has been checked. Not here: how the protocol goes on.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use gix_transport::Protocol;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use tempfile::TempDir;

use super::Means;
use super::address::GitAddress;
use super::failure::Failure;
use super::meter::{Meter, Metered};
use super::reach;
use super::settings::{Auth, GitSettings};
use crate::source::status::SourceReason;

/// Where `ssh` is, unless the address says otherwise.
const PORT: u16 = 22;
/// The most of a program's complaints that is kept.
const MOST_COMPLAINTS: u64 = 4096;

/// A running `ssh` and the transport over it.
pub(crate) struct Session {
    pub(crate) transport: Connection<Metered<ChildStdout>, ChildStdin>,
    pub(crate) complaints: Complaints,
}

/// The program and what it complains of. Dropping it ends the program.
pub(crate) struct Complaints {
    child: Arc<Mutex<Child>>,
    reader: Option<JoinHandle<String>>,
    watch: tokio::task::AbortHandle,
    /// Holds the key while the program runs.
    _folder: TempDir,
}

impl Session {
    pub(crate) fn open(settings: &GitSettings, means: &Means, meter: Meter) -> Result<Self, Failure> {
        let Auth::Key { key, known_hosts } = &settings.auth else {
            return Err(Failure::new(SourceReason::AuthenticationFailed, "an ssh url needs a key"));
        };
        reach::every(settings.address.host(), settings.address.port().unwrap_or(PORT), settings.private_addresses)?;
        if let Err(error) = fs::metadata(known_hosts) {
            let message = format!("knownHosts {} cannot be read: {error}", known_hosts.display());
            return Err(Failure::new(SourceReason::AuthenticationFailed, message));
        }
        let unwritable =
            |error: std::io::Error| Failure::fetch(format!("the key cannot be put aside for ssh: {error}"));
        let folder =
            fs::create_dir_all(&means.folder).and_then(|()| tempfile::tempdir_in(&means.folder)).map_err(unwritable)?;
        // A copy, because ssh refuses a key that others may read, and mounted secrets often are like that.
        let file = folder.path().join("key");
        let mut opened =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(unwritable)?;
        opened.write_all(format!("{}\n", key.read()?).as_bytes()).map_err(unwritable)?;
        drop(opened);
        let program = &settings.ssh.0;
        let mut child = Command::new(program)
            .args(arguments(&settings.address, &file, known_hosts))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("GIT_PROTOCOL", "version=2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Failure::fetch(format!("{} cannot be started: {error}; install OpenSSH's client", program.display()))
            })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure::fetch("ssh was started without its pipes"));
        };
        let child = Arc::new(Mutex::new(child));
        let (ending, cancel) = (Arc::clone(&child), means.cancel.clone());
        let watch = means.runtime.spawn(async move {
            cancel.cancelled().await;
            end(&ending);
        });
        let reader = Some(std::thread::spawn(move || first_words(stderr)));
        let transport = Connection::new(
            Metered { inner: stdout, meter },
            stdin,
            Protocol::V2,
            settings.address.path(),
            None::<(String, Option<u16>)>,
            ConnectMode::Process,
            false,
        );
        let transport = transport.custom_url(Some(settings.address.to_string().into()));
        let complaints = Complaints { child, reader, watch: watch.abort_handle(), _folder: folder };
        Ok(Self { transport, complaints })
    }
}

impl Complaints {
    /// What the program said, if it said why it failed.
    pub(crate) fn explain(mut self, settings: &GitSettings) -> Option<Failure> {
        end(&self.child);
        let words = self.reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        explanation(&words, settings)
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        self.watch.abort();
        end(&self.child);
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // A program that has ended already cannot be ended, and that is as well.
    let _ = child.kill();
    let _ = child.wait();
}

fn first_words(stderr: ChildStderr) -> String {
    let mut words = Vec::new();
    let mut limited = stderr.take(MOST_COMPLAINTS);
    let _ = limited.read_to_end(&mut words);
    // The rest is read, too, so that the program is not held up.
    let _ = std::io::copy(&mut limited.into_inner(), &mut std::io::sink());
    String::from_utf8_lossy(&words).into_owned()
}

fn explanation(words: &str, settings: &GitSettings) -> Option<Failure> {
    let words = words.trim();
    if words.is_empty() {
        return None;
    }
    let host = settings.address.host();
    let (reason, next) = if words.contains("Host key verification failed") {
        (SourceReason::AuthenticationFailed, format!("put the key of {host} into knownHosts"))
    } else if words.contains("Permission denied") || words.contains("invalid format") || words.contains("libcrypto") {
        (
            SourceReason::AuthenticationFailed,
            "check that the key has no passphrase and may read the repository".to_owned(),
        )
    } else {
        (SourceReason::FetchFailed, "it is tried again".to_owned())
    };
    Some(Failure::new(reason, format!("ssh to {host} failed: {words}; {next}")))
}

/// Options that a configuration of the user or the system could set otherwise are all set here.
fn arguments(address: &GitAddress, key: &Path, known_hosts: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-F", "none", "-T", "-a", "-x"].map(OsString::from).to_vec();
    let mut option = |name: &str, value: OsString| {
        let mut option = OsString::from(format!("{name}="));
        option.push(value);
        arguments.push("-o".into());
        arguments.push(option);
    };
    for (name, value) in [
        ("BatchMode", "yes"),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("PreferredAuthentications", "publickey"),
        ("StrictHostKeyChecking", "yes"),
        ("UpdateHostKeys", "no"),
        ("GlobalKnownHostsFile", "none"),
        ("ClearAllForwardings", "yes"),
        ("PermitLocalCommand", "no"),
        ("ProxyCommand", "none"),
        ("ControlPath", "none"),
        ("ConnectTimeout", "20"),
        ("ServerAliveInterval", "15"),
        ("ServerAliveCountMax", "2"),
        ("SendEnv", "GIT_PROTOCOL"),
    ] {
        option(name, value.into());
    }
    option("IdentityFile", quoted(key));
    option("UserKnownHostsFile", quoted(known_hosts));
    if let Some(port) = address.port() {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    arguments.extend(["-l".into(), address.user().into(), "--".into(), address.host().into()]);
    // The address has been checked for letters that a shell over there would take for something else.
    arguments.push(format!("git-upload-pack '{}'", address.path()).into());
    arguments
}

/// ssh splits the values of these options at blanks.
fn quoted(path: &Path) -> OsString {
    let mut quoted = OsString::from("\"");
    quoted.push(path);
    quoted.push("\"");
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::settings::Reference;
    use super::*;

    fn line(url: &str) -> String {
        let arguments = arguments(&url.parse().unwrap(), Path::new("k"), Path::new("known"));
        arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn nothing_but_the_given_key_and_hosts_is_used() {
        let line = line("ssh://deploy@git.example.com:2222/team/fleet.git");
        for part in [
            "-F none",
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=yes",
            "IdentityFile=\"k\"",
            "UserKnownHostsFile=\"known\"",
            "GlobalKnownHostsFile=none",
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert!(line.ends_with("-p 2222 -l deploy -- git.example.com git-upload-pack '/team/fleet.git'"), "{line}");
    }

    #[test]
    fn a_path_without_a_leading_slash_stays_relative_to_the_home_over_there() {
        assert!(line("git@git.example.com:team/fleet.git").ends_with("git-upload-pack 'team/fleet.git'"));
    }

    #[test]
    fn what_ssh_says_becomes_a_reason_and_a_next_step() {
        let settings = GitSettings::new("ssh://h/x".parse().unwrap(), Reference::branch("main").unwrap());
        let reason = |words: &str| explanation(words, &settings).map(|failure| failure.reason);
        assert_eq!(reason("git@h: Permission denied (publickey)."), Some(SourceReason::AuthenticationFailed));
        assert_eq!(reason("Host key verification failed."), Some(SourceReason::AuthenticationFailed));
        assert_eq!(reason("ssh: connect to host h port 22: refused"), Some(SourceReason::FetchFailed));
        assert_eq!(reason("\n"), None);
    }
}
