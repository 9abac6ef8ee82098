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
        Ok(page) => {
            Err(Failure::work(format!("{} answered {}: {}", arguments.server, page.status, page.text.trim_end()))
                .hint("`axon status` and the log say more; a container is best restarted"))
        }
        // ECS knows healthy (0) and unhealthy (1); 2 is reserved by Docker.
        Err(failure) => Err(Failure { exit: Exit::Failed, ..failure }),
    }
}

#[cfg(test)]
mod tests {
    use anstream::ColorChoice;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What it says of a server that answers so.
    async fn checked(status: &'static str, body: &'static str) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 512];
            let read = stream.read(&mut head).await.unwrap();
            assert!(head[..read].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        healthcheck(&Healthcheck { server }, &mut Output::of_process(ColorChoice::Never)).await
    }

    #[tokio::test]
    async fn health_is_0_and_everything_else_is_1_with_its_cause() {
        assert_eq!(checked("200 OK", "ok\n").await, Ok(Exit::Done));
        let hung = checked("503 Service Unavailable", "us: its loop has not turned\n").await.unwrap_err();
        assert_eq!(hung.exit, Exit::Failed);
        assert!(
            hung.cause.ends_with("answered 503 Service Unavailable: us: its loop has not turned"),
            "{}",
            hung.cause
        );
        let nobody = Healthcheck { server: "http://127.0.0.1:1".to_owned() };
        let silent = healthcheck(&nobody, &mut Output::of_process(ColorChoice::Never)).await.unwrap_err();
        assert_eq!(silent.exit, Exit::Failed);
    }
}
