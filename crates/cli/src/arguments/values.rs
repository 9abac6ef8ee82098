//! Values of flags that need reading: where to listen, how long, and since when. Neighbours: `commands` takes them.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axon_core::spec;
use jiff::Timestamp;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    None,
    /// There.
    On(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            address => address
                .parse()
                .map(Self::On)
                .map_err(|_| "give an address and a port, such as 127.0.0.1:8321, or none".to_owned()),
        }
    }
}

/// A length of time, in the words of the specification: `90s`, `30m`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting(pub Duration);

impl FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse::<spec::Duration>().map_err(|error| error.to_string())?;
        Ok(Self(Duration::from_secs(u64::from(read.seconds()))))
    }
}

/// When containers of an image end: `*/trainer:*=20m`, with another exit code than 0: `*/trainer:*=20m:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The image, where `*` stands for anything.
    pub image: String,
    /// How long after their start.
    pub after: Duration,
    /// With which exit code.
    pub exit_code: u8,
}

impl FromStr for Ending {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give an image, a time, and an exit code if it is not 0, such as */trainer:*=20m:3".to_owned();
        let (image, end) = text.rsplit_once('=').filter(|(image, _)| !image.is_empty()).ok_or_else(wrong)?;
        let (after, code) = end.split_once(':').unwrap_or((end, "0"));
        let Lasting(after) = after.parse()?;
        Ok(Self { image: image.to_owned(), after, exit_code: code.parse().map_err(|_| wrong())? })
    }
}

/// Since when: for so long, or since an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// For this time until now.
    Ago(Duration),
    /// From this instant on.
    At(Timestamp),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.parse::<Lasting>(), text.parse::<Timestamp>()) {
            (Ok(lasting), _) => Ok(Self::Ago(lasting.0)),
            (_, Ok(instant)) => Ok(Self::At(instant)),
            _ => Err("give a time such as 90s, 10m or 2h, or an instant such as 2026-11-26T07:00:00Z".to_owned()),
        }
    }
}
