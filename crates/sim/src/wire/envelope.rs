//! Responses of the services that answer in XML: STS, Auto Scaling and EC2. Neighbours: `aws` sends them; `xml` writes what is
//! inside. No operation's meaning belongs here.

use bytes::Bytes;
use http::Response;

use super::{fault::Fault, xml::escape};

/// A service that answers in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Autoscaling,
    Ec2,
}

impl Service {
    /// Its name in the call log, which is also its name in a credential scope.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Autoscaling => "autoscaling",
            Self::Ec2 => "ec2",
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Autoscaling => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
        }
    }

    /// A whole response. `inner` is what stands in the result element; none when the operation has no result.
    pub(crate) fn respond(self, action: &str, answer: &Result<Option<String>, Fault>, id: &str) -> Response<Bytes> {
        let (status, text) = match answer {
            Ok(inner) => (200, self.document(action, inner.as_deref(), id)),
            Err(fault) => (fault.status, self.error(fault, id)),
        };
        Response::builder()
            .status(status)
            .header("content-type", "text/xml;charset=UTF-8")
            .header("x-amzn-requestid", id)
            .body(Bytes::from(text))
            .unwrap_or_else(|_| Response::new(Bytes::new()))
    }

    fn document(self, action: &str, inner: Option<&str>, id: &str) -> String {
        let open = format!("<{action}Response xmlns=\"{}\">", self.namespace());
        let close = format!("</{action}Response>");
        match (self, inner) {
            (Self::Ec2, inner) => {
                let inner = inner.unwrap_or("<return>true</return>");
                format!("{open}<requestId>{id}</requestId>{inner}{close}")
            }
            (_, inner) => {
                let result = inner.map(|i| format!("<{action}Result>{i}</{action}Result>")).unwrap_or_default();
                format!("{open}{result}<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>{close}")
            }
        }
    }

    fn error(self, fault: &Fault, id: &str) -> String {
        let (code, message) = (fault.code, escape(&fault.message));
        if self == Self::Ec2 {
            return format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error></Errors><RequestID>{id}</RequestID></Response>"
            );
        }
        let whose = if fault.status < 500 { "Sender" } else { "Receiver" };
        format!(
            "<ErrorResponse xmlns=\"{}\"><Error><Type>{whose}</Type><Code>{code}</Code><Message>{message}</Message>\
             </Error><RequestId>{id}</RequestId></ErrorResponse>",
            self.namespace()
        )
    }
}
