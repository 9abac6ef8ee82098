//! Which network addresses a source may lead to, asked after names are resolved and before anything is connected.
//!
//! `http` resolves through [`Resolver`], so that exactly the addresses that were judged are connected to, whatever the name
//! means a moment later; `ssh` asks [`every`] first, as the program resolves for itself and then insists on the host's key.
//! Neighbours: `settings` says what is allowed. Not here: connecting.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::failure::{Cause, Failure};
use super::settings::PrivateAddresses;
use crate::source::status::SourceReason;

/// EC2's instance metadata over IPv6, which lies among the private addresses.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether this address may be connected to; if not, what it is.
pub(crate) fn judge(address: IpAddr, private: PrivateAddresses) -> Result<(), &'static str> {
    let kind = match plain(address) {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    };
    match (kind, private) {
        (Kind::Public, _) | (Kind::Private(_), PrivateAddresses::Allow) => Ok(()),
        (Kind::Private(what), PrivateAddresses::Refuse) | (Kind::Never(what), _) => Err(what),
    }
}

enum Kind {
    Public,
    Private(&'static str),
    Never(&'static str),
}

/// An IPv4 address that is written as an IPv6 one is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let translated = match six.segments() {
        // RFC 6052; a translator on the way sends it to the IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => six.to_ipv4_mapped(),
    };
    translated.map_or(address, IpAddr::V4)
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0 | 240..=255, ..] => Kind::Never("no address of a host"),
        [224..=239, ..] => Kind::Never("a multicast address"),
        [169, 254, ..] => Kind::Never("a link-local address, where instance metadata is"),
        [127, ..] => Kind::Private("this machine"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("an address of a private network"),
        [100, 64..=127, ..] | [198, 18..=19, ..] | [192, 0, 0, _] => Kind::Private("an address that is not public"),
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if address == METADATA {
        return Kind::Never("the address of instance metadata");
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("no address of a host"),
        [0xff00..=0xffff, ..] => Kind::Never("a multicast address"),
        [0xfe80..=0xfebf, ..] => Kind::Never("a link-local address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private("this machine"),
        [0xfc00..=0xfdff, ..] => Kind::Private("an address of a private network"),
        // Old ways to write IPv4 addresses, and what no public host has.
        [0, 0, 0, 0, 0, 0, ..] | [0x2002 | 0xfec0..=0xfeff, ..] | [0x2001, 0, ..] => {
            Kind::Never("an address that is no longer used")
        }
        _ => Kind::Public,
    }
}

/// What is said of an address that is refused.
fn refusal(host: &str, address: IpAddr, what: &str) -> Failure {
    let message = format!(
        "{host} leads to {address}, {what}; nothing is sent there. If the repository is in a private network, set \
         allowPrivateAddresses; link-local addresses are never taken"
    );
    Failure::new(SourceReason::AddressRefused, message)
}

/// Judges a host that is written as an address; a name is judged when it is resolved.
pub(crate) fn literal(host: &str, private: PrivateAddresses) -> Result<(), Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => judge(address, private).map_err(|what| refusal(host, address, what)),
        Err(_) => Ok(()),
    }
}

/// Resolves a host and judges every address that it has. Blocks.
pub(crate) fn every(host: &str, port: u16, private: PrivateAddresses) -> Result<(), Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = (bare, port)
        .to_socket_addrs()
        .map_err(|error| Failure::fetch(format!("{host} cannot be resolved: {error}; it is tried again")))?;
    for address in addresses {
        judge(address.ip(), private).map_err(|what| refusal(host, address.ip(), what))?;
    }
    Ok(())
}

/// Resolves names as the system does, and leaves out addresses that may not be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    system: GaiResolver,
    private: PrivateAddresses,
    cause: Cause,
}

impl Resolver {
    pub(crate) fn new(private: PrivateAddresses, cause: Cause) -> Self {
        Self { system: GaiResolver::new(), private, cause }
    }

    fn keep(&self, host: &str, found: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let (mut kept, mut refused) = (Vec::new(), None);
        for address in found {
            match judge(address.ip(), self.private) {
                Ok(()) => kept.push(address),
                Err(what) => refused = Some(refusal(host, address.ip(), what)),
            }
        }
        match refused {
            Some(refused) if kept.is_empty() => Err(self.cause.io(refused)),
            _ => Ok(kept),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (this, host) = (self.clone(), name.to_string());
        let asked = self.system.call(name);
        Box::pin(async move { Ok(this.keep(&host, asked.await?)?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, private: PrivateAddresses) -> Option<&'static str> {
        judge(address.parse().unwrap(), private).err()
    }

    #[test]
    fn public_addresses_are_taken_and_private_ones_only_with_a_word() {
        for address in ["140.82.121.4", "2606:50c0:8000::153", "172.32.0.1", "100.128.0.1", "64:ff9b::8c52:7904"] {
            assert_eq!(judged(address, PrivateAddresses::Refuse), None, "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
        ] {
            assert!(judged(address, PrivateAddresses::Refuse).is_some(), "{address}");
            assert_eq!(judged(address, PrivateAddresses::Allow), None, "{address}");
        }
    }

    #[test]
    fn instance_metadata_and_what_is_no_host_are_never_taken() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:0:1::1",
            "fec0::1",
            "0.1.2.3",
        ] {
            for private in [PrivateAddresses::Refuse, PrivateAddresses::Allow] {
                assert!(judged(address, private).is_some(), "{address} {private:?}");
            }
        }
    }

    #[test]
    fn of_several_addresses_those_that_may_be_are_used_and_none_is_a_refusal() {
        let cause = Cause::default();
        let resolver = Resolver::new(PrivateAddresses::Refuse, cause.clone());
        let kept = |addresses: &[&str]| {
            let found = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 443));
            resolver.keep("git.example.com", found).map(|kept| kept.len())
        };
        assert_eq!(kept(&["10.0.0.1", "140.82.121.4"]).unwrap(), 1);
        assert_eq!(kept(&[]).unwrap(), 0);
        assert!(cause.get().is_none());
        assert!(kept(&["10.0.0.1", "169.254.169.254"]).is_err());
        let failure = cause.get().unwrap();
        assert_eq!(failure.reason, SourceReason::AddressRefused);
        assert!(failure.message.contains("git.example.com leads to 169.254.169.254"), "{failure}");
    }

    #[test]
    fn a_host_that_is_an_address_is_judged_as_it_is_written() {
        assert!(literal("[::1]", PrivateAddresses::Refuse).is_err());
        assert!(literal("169.254.169.254", PrivateAddresses::Allow).is_err());
        assert!(literal("git.example.com", PrivateAddresses::Refuse).is_ok());
        assert!(every("127.0.0.1", 22, PrivateAddresses::Refuse).is_err());
        assert!(every("127.0.0.1", 22, PrivateAddresses::Allow).is_ok());
    }
}
