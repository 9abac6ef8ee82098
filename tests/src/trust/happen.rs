//! Makes one event of a history happen to the processes, the source, the network and the account.
//!
//! Neighbours: `history` lists events, `play` and `sweep` ask for them, `tamper` has the hands of strangers, `orders` what people ask
//! of runs.

use axon_runtime::clock::Clock as _;
use axon_sim::{Connection, Health, ImageActs, LiveTask, Loss, Shortage};

use super::audit::{Now, Upset};
use super::fault::Weather;
use super::history::Event;
use super::stage::Stage;

/// Makes it happen, now.
pub(super) async fn happen(stage: &mut Stage, event: Event) {
    match event {
        Event::Pass(seconds) => stage.pass(seconds).await,
        Event::Edit(edit) => stage.declare(edit.apply(&stage.fleet)),
        Event::Spoil(trouble) => {
            stage.air.count("spoilt source");
            stage.spoil(trouble);
        }
        Event::Unspoil => stage.unspoil(),
        Event::Weather(kind, percent) => {
            stage.air.turn(|weather| weather.with(kind, percent));
            stage.audit(|auditor, _| auditor.upset(Upset::BadNetwork, Now::Begins));
        }
        Event::Calm => {
            stage.air.turn(|_| Weather::default());
            stage.audit(|auditor, _| auditor.upset(Upset::BadNetwork, Now::Ends));
        }
        Event::Sleep(minutes) => {
            stage.air.count("no process for a while");
            stage.sleep(minutes * 60).await;
        }
        Event::Order(order, pick) => stage.order(order, pick),
        Event::Kill => {
            stage.air.count("process killed");
            stage.kill().await;
            stage.start().await;
        }
        Event::Stop => {
            stage.air.count("process stopped");
            stage.stop().await;
            stage.start().await;
        }
        Event::Start if stage.running() < 2 => {
            stage.air.count("second process");
            stage.start().await;
        }
        Event::Start => {}
        Event::Jump(seconds) => {
            stage.air.count("clock jump");
            stage.jump(seconds);
        }
        Event::Tamper(tamper, pick) => stage.tamper(tamper, pick),
        _ => befall(stage, event),
    }
}

/// What happens to the account by itself.
pub(super) fn befall(stage: &Stage, event: Event) {
    let now = stage.world.clock.now();
    stage.world.aws.with(|aws| aws.advance_to(now));
    if let Some(name) = name(event) {
        stage.air.count(name);
    }
    if let Event::Lag(seconds) = event {
        let turn = if seconds > 0 { Now::Begins } else { Now::Ends };
        stage.audit(|auditor, _| auditor.upset(Upset::StaleReads, turn));
    }
    if let Event::Ami(pick) = event {
        let acts = [ImageActs::Good, ImageActs::Good, ImageActs::TasksFail, ImageActs::NeverRegisters][pick % 4];
        stage.world.publish(&format!("ami-{:017x}", 0x1000 + stage.air.calls()), acts);
        return;
    }
    stage.world.aws.with(|aws| {
        let world = aws.world_mut();
        match event {
            Event::Lag(seconds) => world.lag(seconds),
            Event::JobTaskEnds(pick, exit_code) => {
                let tasks: Vec<LiveTask> =
                    world.live_tasks().into_iter().filter(|task| task.service.is_none()).collect();
                if let Some(task) = one(&tasks, pick) {
                    world.end_task(&task.arn, exit_code);
                }
            }
            Event::TaskEnds(pick) => {
                if let Some(task) = one(&world.live_tasks(), pick) {
                    world.end_task(&task.arn, 1);
                }
            }
            Event::Shortage(pick) => {
                let kinds = ["*", "inf2.*", "trn1.*", "inf2.xlarge"];
                let zone = (pick % 3 == 0).then(|| "us-east-1a".to_owned());
                world.run_short(Shortage { instance_type: kinds[pick % 4].to_owned(), zone });
            }
            Event::Plenty => world.end_shortages(),
            Event::ProviderFails(pick) => {
                if let Some(name) = one(&world.provider_names(), pick) {
                    world.fail_next_change_of_provider(name, "InternalError");
                }
            }
            _ => befall_instances(world, event),
        }
    });
}

/// What happens to instances by themselves.
fn befall_instances(world: &mut axon_sim::World, event: Event) {
    let instances: Vec<String> = world.running_instances().into_keys().collect();
    match event {
        Event::InstanceLost(pick) => {
            let _there = one(&instances, pick).map(|instance| world.lose_instance(&instance));
        }
        Event::Interruption(pick) => {
            if let Some(machine) = one(&world.machines(), pick) {
                let loss = if machine.spot { Loss::SpotInterruption } else { Loss::Hardware };
                world.lose_machine(&machine.id, loss);
            }
        }
        Event::AgentLost(pick) => {
            let _there =
                one(&instances, pick).map(|instance| world.set_agent_connection(&instance, Connection::Disconnected));
        }
        Event::AgentsBack => {
            for instance in &instances {
                world.set_agent_connection(instance, Connection::Connected);
            }
        }
        Event::Impaired(pick) => {
            let _there =
                one(&instances, pick).map(|instance| world.set_accelerator_health(&instance, Health::Impaired));
        }
        _ => {}
    }
}

fn one<T: Clone>(list: &[T], pick: usize) -> Option<T> {
    list.get(pick.checked_rem(list.len())?).cloned()
}

/// What it is called in reports, if it is a fault.
const fn name(event: Event) -> Option<&'static str> {
    Some(match event {
        Event::Lag(_) => "stale reads",
        Event::TaskEnds(_) => "task ends",
        Event::JobTaskEnds(..) => "task of a job ends",
        Event::InstanceLost(_) => "instance lost",
        Event::Interruption(_) => "spot interruption",
        Event::AgentLost(_) => "agent cut off",
        Event::Impaired(_) => "accelerators impaired",
        Event::Shortage(_) => "no capacity",
        Event::ProviderFails(_) => "provider change fails",
        Event::Ami(_) => "new image",
        _ => return None,
    })
}
