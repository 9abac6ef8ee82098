//! Git over HTTP: gix speaks the protocol, this is the client under it.
//!
//! The token goes to the address of the source and nowhere else: redirects are not followed, and names are resolved by
//! `reach`, so that no name leads where none may. Who is trusted, how long
//! and how much is read are decided here; one request and its answer are in `http_exchange`. gix's own clients are not
//! used: they are a second client beside the SDK's and know neither a deadline nor a limit (docs/adr/013-git-is-read-with-gix.md).

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gix_transport::Protocol;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse, Transport};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::Means;
use super::failure::{Cause, Failure};
use super::http_exchange::{Exchange, HeaderLines, PostBody, ResponseBody};
use super::meter::Meter;
use super::reach::Resolver;
use super::settings::{Auth, GitSettings};
use crate::source::status::SourceReason;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// What one look asks with.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    pub(crate) client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    pub(crate) means: Means,
    pub(crate) meter: Meter,
    pub(crate) cause: Cause,
    authorization: Option<HeaderValue>,
}

/// A transport to the address of the source.
pub(crate) fn connect(
    settings: &GitSettings,
    means: &Means,
    (meter, cause): (Meter, Cause),
) -> Result<Transport<Web>, Failure> {
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new(settings.private_addresses, cause.clone()));
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.enforce_http(false);
    let tls = trust(settings.ca_file.as_deref())?;
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let authorization = authorization(&settings.auth)?;
    let web = Web { client, means: means.clone(), meter, cause, authorization };
    let url = gix::url::parse(settings.address.to_string().as_str());
    let url = url.map_err(|error| Failure::fetch(format!("{} cannot be used: {error}", settings.address)))?;
    Ok(Transport::new_http(web, url, Protocol::V2, false))
}

fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, Failure> {
    let Auth::Token { user, token } = auth else { return Ok(None) };
    let token = token.read()?;
    let encoded = STANDARD.encode(format!("{user}:{token}"));
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
        .map_err(|_| Failure::new(SourceReason::AuthenticationFailed, "the token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The certificates of the file, or those that the system trusts.
fn trust(ca_file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    let certificates = match ca_file {
        None => rustls_native_certs::load_native_certs().certs,
        Some(path) => {
            let unusable = |error: String| Failure::fetch(format!("caFile {} cannot be used: {error}", path.display()));
            let read = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
            let read: Result<Vec<_>, _> = read.collect();
            let read = read.map_err(|error| unusable(error.to_string()))?;
            if read.is_empty() {
                return Err(unusable("it holds no certificate".to_owned()));
            }
            read
        }
    };
    roots.add_parsable_certificates(certificates);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| Failure::fetch(format!("TLS cannot be used: {error}")))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

impl Web {
    fn prepare<L: AsRef<str>>(&self, method: Method, url: &str, lines: impl IntoIterator<Item = L>) -> Exchange {
        let mut headers = HeaderMap::new();
        for line in lines {
            let parts = line.as_ref().split_once(':');
            let parts = parts.and_then(|(name, value)| {
                Some((name.trim().parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))
            });
            if let Some((name, value)) = parts {
                headers.append(name, value);
            }
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Exchange::new(self.clone(), (method, url.to_owned(), headers))
    }
}

impl Http for Web {
    type Headers = HeaderLines;
    type ResponseBody = ResponseBody;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let exchange = Arc::new(Mutex::new(self.prepare(Method::GET, url, headers)));
        Ok(GetResponse { headers: HeaderLines::new(&exchange), body: ResponseBody::new(&exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let exchange = Arc::new(Mutex::new(self.prepare(Method::POST, url, headers)));
        Ok(PostResponse {
            post_body: PostBody::new(&exchange),
            headers: HeaderLines::new(&exchange),
            body: ResponseBody::new(&exchange),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result {
        Ok(())
    }
}
