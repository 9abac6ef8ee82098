//! `axon simulate`: the simulated AWS on a socket, for any AWS client. Neighbours: `axon_sim` answers, `quirks` reads
//! the switches.

use axon_runtime::clock::{Clock, SystemClock};
use axon_sim::{Acts, Behaviour, Options};
use tokio::net::TcpListener;

use super::disturbance::disturbance;
use super::quirks::quirks;
use crate::arguments::{Ending, Simulate};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::signals::Stop;
use crate::target::Simulated;

pub(super) async fn simulate(arguments: &Simulate, out: &mut Output) -> Answer {
    let options = Options {
        region: arguments.region.clone(),
        seed: arguments.seed,
        start: arguments.start.unwrap_or_else(|| SystemClock.now()),
        quirks: quirks(&arguments.quirk)?,
        disturbance: disturbance(&arguments.disturb)?,
        ..Options::default()
    };
    let (account, region) = (options.account.clone(), options.region.clone());
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Failure::work(format!("{} cannot be listened on: {error}", arguments.listen))
            .hint("choose another address with --listen; port 0 takes a free one")
    })?;
    let address = listener.local_addr()?;
    let mut stop = Stop::listen()?;
    let simulated = Simulated::with(options, arguments.speed);
    for Ending { image, after, exit_code } in &arguments.ends {
        let after_seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let ends = Acts::Ends { after_seconds, exit_code: i64::from(*exit_code) };
        simulated.behaves(Behaviour::of(image).acting(ends));
    }
    // One line, ready to be evaluated by a shell or read by a script.
    out.data(&format!(
        "export AWS_ENDPOINT_URL=http://{address} AWS_REGION={region} AWS_ACCESS_KEY_ID=simulated AWS_SECRET_ACCESS_KEY=simulated\n"
    ))?;
    out.talk(&format!(
        "A simulated AWS (account {account}, {region}) answers at http://{address} until Ctrl-C, {} times as fast as \
         real time.\nIn another shell, with the line above: axon plan --endpoint-url http://{address} config/examples\n",
        arguments.speed.factor()
    ))?;
    axon_sim::serve(listener, simulated.shared(), async move { stop.asked().await }).await?;
    Ok(Exit::Done)
}
