//! Services and tasks of the miniature, as ECS keeps them: rolling deployments within the percentages of each service, a
//! circuit breaker, and placement by instance type, ports, CPU and memory.

use axon_core::cloud::ServiceKey;
use axon_core::observe::{Deployment, DeploymentResult, Instance, Rollout, Service, ServiceStatus, ServiceTasks, Task};
use axon_core::observed::Listing;
use jiff::SignedDuration;

use super::Miniature;

/// Tasks of a deployment that must fail before ECS takes it back.
const BREAKER: i32 = 3;
/// Tasks that a service starts at once.
const MOST_STARTS: usize = 4;

/// Neither stopped nor told to.
pub(super) fn is_wanted(task: &Task) -> bool {
    task.last_status != "STOPPED" && task.desired_status != "STOPPED"
}

fn runs(task: &Task) -> bool {
    task.last_status == "RUNNING" && is_wanted(task)
}

fn stop(task: &mut Task) {
    task.desired_status = "STOPPED".into();
    task.stop_code = Some("ServiceSchedulerInitiated".into());
    if task.last_status == "PROVISIONING" {
        task.last_status = "STOPPED".into();
    }
}

impl Miniature {
    pub(super) fn schedule(&mut self) {
        if self.observed.clusters.get("ml").is_none() {
            return;
        }
        self.drop_tasks_of_the_lost();
        let services: Vec<Service> = self.observed.all_services().cloned().collect();
        for service in &services {
            self.go_on(service);
        }
        let services: Vec<Service> = self.observed.all_services().cloned().collect();
        for service in &services {
            self.keep(service);
        }
        self.place();
        self.count();
        self.manage_scaling();
    }

    fn entry(&mut self, service: &Service) -> &mut Service {
        self.observed.services.get_mut(&service.cluster).unwrap().get_mut(&service.name).unwrap()
    }

    /// Tasks that were on their way arrive.
    fn go_on(&mut self, service: &Service) {
        let key = key(service);
        let mut tasks = self.observed.tasks.remove(&key).unwrap_or_default();
        let now = self.now;
        let mut failed = 0;
        tasks.tasks.retain(|task| {
            task.created.is_none_or(|at| now.duration_since(at) < SignedDuration::from_hours(2)) || is_wanted(task)
        });
        for task in &mut tasks.tasks {
            if task.last_status == "STOPPED" {
                continue;
            }
            if task.desired_status == "STOPPED" {
                task.last_status = "STOPPED".into();
            } else if task.last_status == "PENDING" {
                let why = self.fails(task);
                task.started = Some(now);
                task.last_status = if why.is_some() { "STOPPED" } else { "RUNNING" }.into();
                if let Some((code, reason)) = why {
                    task.desired_status = "STOPPED".into();
                    (task.stop_code, task.stopped_reason) = (Some(code.into()), Some(reason.into()));
                    failed += i32::from(Some(&task.task_definition) == service.settings.task_definition.as_ref());
                }
            }
        }
        self.observed.tasks.insert(key, tasks);
        let primary = &mut self.entry(service).deployments[0];
        if failed > 0 && primary.rollout == Rollout::InProgress {
            primary.failed += failed;
            if primary.failed >= BREAKER {
                self.take_back(service);
            }
        }
    }

    fn fails(&self, task: &Task) -> Option<(&'static str, &'static str)> {
        let arn = task.container_instance.as_deref()?;
        let image = self.observed.instances["ml"].get(arn)?.image.as_ref();
        if image.is_some_and(|image| self.faults.broken.contains(image)) {
            return Some(("TaskFailedToStart", "CannotStartContainerError: no /dev/neuron0"));
        }
        let containers = &self.revisions[&task.task_definition].container_definitions;
        let is_bad =
            containers.iter().any(|given| given.image.as_ref().is_some_and(|image| self.faults.bad.contains(image)));
        is_bad.then_some(("EssentialContainerExited", "Essential container in task exited"))
    }

    /// The circuit breaker: back to the revision before, if there is one.
    fn take_back(&mut self, service: &Service) {
        let (key, now) = (key(service), self.now);
        self.counter += 1;
        let id = format!("deployment/{}", self.counter);
        let found = self.entry(service);
        let breaker = found.settings.deployment_configuration.clone().unwrap().deployment_circuit_breaker.unwrap();
        if !breaker.enable {
            return;
        }
        let before = found.deployments.iter().find(|deployment| deployment.rollout == Rollout::Completed).cloned();
        found.deployments[0].rollout = Rollout::Failed;
        let result = match before {
            Some(before) if breaker.rollback => {
                for deployment in &mut found.deployments {
                    deployment.primary = false;
                }
                found.settings.task_definition = Some(before.task_definition.clone());
                let rollout = Rollout::InProgress;
                found.deployments.retain(|deployment| deployment.id != before.id);
                let back =
                    Deployment { id, primary: true, rollout, failed: i32::MIN / 2, created: Some(now), ..before };
                found.deployments.insert(0, back);
                DeploymentResult::RolledBack
            }
            _ => DeploymentResult::Stopped,
        };
        let past = &mut self.deployments.get_mut(&key).unwrap()[0];
        (past.result, past.reason) = (result, Some("tasks failed to start".into()));
        self.watch.seen.deployments_taken_back += 1;
    }

    fn is_draining(&self, task: &Task) -> bool {
        let instance = task.container_instance.as_deref().and_then(|arn| self.observed.instances["ml"].get(arn));
        instance.is_some_and(|instance| instance.status == "DRAINING")
    }

    /// Starts what is missing and stops what is too many or old, within the percentages of the service.
    fn keep(&mut self, service: &Service) {
        let key = key(service);
        let mut tasks = self.observed.tasks.remove(&key).unwrap_or_default();
        if service.status == ServiceStatus::Draining {
            tasks.tasks.iter_mut().filter(|task| is_wanted(task)).for_each(stop);
            if tasks.tasks.iter().any(|task| task.last_status != "STOPPED") {
                self.observed.tasks.insert(key, tasks);
            } else {
                self.observed.services.get_mut(&key.0).unwrap().remove(&key.1);
                self.observed.history.remove(&key);
                self.deployments.remove(&key);
            }
            return;
        }
        let wanted = usize::try_from(service.settings.desired_count.unwrap()).unwrap();
        let revision = service.settings.task_definition.clone().unwrap();
        let configuration = service.settings.deployment_configuration.as_ref().unwrap();
        let percent = |given: Option<i32>| usize::try_from(given.unwrap()).unwrap() * wanted;
        let low = percent(configuration.minimum_healthy_percent).div_ceil(100);
        let high = percent(configuration.maximum_percent) / 100;
        let stays: Vec<bool> =
            tasks.tasks.iter().map(|t| is_wanted(t) && t.task_definition == revision && !self.is_draining(t)).collect();
        let staying = stays.iter().filter(|stays| **stays).count();
        let live = tasks.tasks.iter().filter(|task| task.last_status != "STOPPED").count();
        let has_failed = service.deployments[0].rollout == Rollout::Failed;
        let starts = wanted.saturating_sub(staying).min(high.saturating_sub(live)).min(MOST_STARTS);
        if !has_failed {
            tasks.tasks.extend((0..starts).map(|_| self.task(&revision)));
        }
        let stays: Vec<bool> = stays.into_iter().chain(std::iter::repeat_n(true, starts)).collect();
        thin(&mut tasks, &stays, (wanted, low));
        self.settle(service, &tasks);
        self.observed.tasks.insert(key, tasks);
    }

    /// A deployment of which everything runs has ended, and the ones before it are gone.
    fn settle(&mut self, service: &Service, tasks: &ServiceTasks) {
        let wanted = usize::try_from(service.settings.desired_count.unwrap()).unwrap();
        let revision = service.settings.task_definition.as_ref().unwrap();
        let others = tasks.tasks.iter().any(|task| task.last_status != "STOPPED" && task.task_definition != *revision);
        let running = tasks.tasks.iter().filter(|task| runs(task)).count();
        let found = self.entry(service);
        if others || running < wanted || found.deployments[0].rollout != Rollout::InProgress {
            return;
        }
        found.deployments.truncate(1);
        found.deployments[0].rollout = Rollout::Completed;
        let past = self.deployments.get_mut(&key(service)).and_then(|past| past.first_mut());
        if let Some(past) = past.filter(|past| past.result == DeploymentResult::Running) {
            past.result = DeploymentResult::Successful;
        }
    }

    fn task(&mut self, revision: &str) -> Task {
        self.counter += 1;
        Task {
            arn: format!("task/{}", self.counter),
            task_definition: revision.into(),
            last_status: "PROVISIONING".into(),
            desired_status: "RUNNING".into(),
            health: None,
            container_instance: None,
            availability_zone: None,
            created: Some(self.now),
            started: None,
            stopped: None,
            stopped_reason: None,
            stop_code: None,
            containers: Vec::new(),
        }
    }

    /// Gives tasks without a place the fullest instance that has room for them.
    fn place(&mut self) {
        let now = self.now;
        let services: Vec<Service> = self.observed.all_services().cloned().collect();
        for service in services {
            let waiting: Vec<Task> = self.observed.tasks[&key(&service)].tasks.clone();
            for (index, task) in waiting.iter().enumerate().filter(|(_, task)| task.last_status == "PROVISIONING") {
                let Some(instance) = self.free_instance(&service, task) else { continue };
                let task = &mut self.observed.tasks.get_mut(&key(&service)).unwrap().tasks[index];
                (task.container_instance, task.last_status) = (Some(instance), "PENDING".into());
                // `createdAt` is when a task entered PENDING (ECS API reference, Task).
                task.created = Some(now);
            }
        }
    }

    fn free_instance(&self, service: &Service, task: &Task) -> Option<String> {
        let needs = self.needs(task);
        let strategy = service.settings.capacity_provider_strategy.as_deref().unwrap_or_default();
        let constraints = &self.revisions[&task.task_definition].placement_constraints;
        let kind = constraints
            .iter()
            .find_map(|given| given.expression.as_ref()?.strip_prefix("attribute:ecs.instance-type == "));
        let may = |instance: &&Instance| {
            let provided = strategy.iter().any(|item| Some(&item.capacity_provider) == instance.provider.as_ref());
            provided
                && instance.status == "ACTIVE"
                && kind.is_none_or(|kind| instance.instance_type.as_deref() == Some(kind))
        };
        let candidates = self.observed.instances["ml"].iter().filter(may);
        let with_room =
            candidates.map(|instance| (self.room_on(instance), instance)).filter(|(room, _)| room.takes(&needs));
        with_room.min_by_key(|(room, _)| room.memory).map(|(_, instance)| instance.arn.clone())
    }

    /// What ECS reports of the numbers of tasks.
    pub(super) fn count(&mut self) {
        let tasks = &self.observed.tasks;
        if let Some(Listing::Read(instances)) = self.observed.instances.get_mut("ml") {
            for instance in instances.values_mut() {
                let here = tasks.values().flat_map(|tasks| &tasks.tasks);
                let here = here.filter(|task| {
                    task.last_status != "STOPPED" && task.container_instance.as_ref() == Some(&instance.arn)
                });
                let (running, pending): (Vec<&Task>, Vec<&Task>) = here.partition(|task| task.last_status == "RUNNING");
                instance.running_tasks = i32::try_from(running.len()).unwrap();
                instance.pending_tasks = i32::try_from(pending.len()).unwrap();
            }
        }
        let Some(Listing::Read(services)) = self.observed.services.get_mut("ml") else { return };
        for service in services.values_mut() {
            let Some(tasks) = tasks.get(&("ml".to_owned(), service.name.clone())) else { continue };
            let count = |of: &dyn Fn(&&Task) -> bool| i32::try_from(tasks.tasks.iter().filter(of).count()).unwrap();
            service.running = count(&|task| task.last_status == "RUNNING");
            service.pending = count(&|task| matches!(task.last_status.as_str(), "PENDING" | "PROVISIONING"));
            for deployment in &mut service.deployments {
                deployment.running =
                    count(&|task| task.last_status == "RUNNING" && task.task_definition == deployment.task_definition);
            }
        }
    }
}

/// Stops what is too many of the tasks that stay, and of the others what the least allows.
fn thin(tasks: &mut ServiceTasks, stays: &[bool], (wanted, low): (usize, usize)) {
    let staying = stays.iter().filter(|stays| **stays).count();
    let surplus = staying.saturating_sub(wanted);
    let mut own: Vec<usize> = (0..tasks.tasks.len()).filter(|index| stays[*index]).collect();
    own.sort_by_key(|index| (runs(&tasks.tasks[*index]), std::cmp::Reverse(*index)));
    let mut healthy = tasks.tasks.iter().filter(|task| runs(task)).count();
    for index in own.into_iter().take(surplus) {
        healthy -= usize::from(runs(&tasks.tasks[index]));
        stop(&mut tasks.tasks[index]);
    }
    let total = tasks.tasks.iter().filter(|task| is_wanted(task)).count();
    let need = wanted.saturating_sub(staying);
    let mut many = total.saturating_sub(wanted).max(need);
    let mut old: Vec<usize> =
        (0..tasks.tasks.len()).filter(|index| !stays[*index] && is_wanted(&tasks.tasks[*index])).collect();
    old.sort_by_key(|index| runs(&tasks.tasks[*index]));
    for index in old {
        let is_healthy = runs(&tasks.tasks[index]);
        if is_healthy && (healthy <= low || many == 0) {
            continue;
        }
        stop(&mut tasks.tasks[index]);
        healthy -= usize::from(is_healthy);
        many = many.saturating_sub(1);
    }
}

fn key(service: &Service) -> ServiceKey {
    (service.cluster.clone(), service.name.clone())
}
