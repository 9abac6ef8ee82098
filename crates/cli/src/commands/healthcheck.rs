//! `axon healthcheck`: for a container health check, since ECS has no HTTP probe of its own.

use crate::arguments::Healthcheck;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::fetch::get;
use crate::output::Output;

pub(super) async fn healthcheck(arguments: &Healthcheck, out: &mut Output) -> Answer {
    match get(&arguments.server, "/healthz").await {
        Ok(page) if page.status.is_success() => {
            out.data("ok\n")?;
            Ok(Exit::Done)
        }
        Ok(page) => Err(Failure::work(format!("{} answered {}", arguments.server, page.status))),
        // ECS knows healthy (0) and unhealthy (1); 2 is reserved by Docker.
        Err(failure) => Err(Failure { exit: Exit::Failed, ..failure }),
    }
}
