//! Random histories of a company, with syncs that are disturbed in every way, against what must be so afterwards.
//!
//! `KEYHAVEN_MODEL_STEPS` says how many steps, `KEYHAVEN_MODEL_SEED` with which history to begin.

use std::{collections::VecDeque, env, future::pending, time::Duration};

use keyhaven_core::syncs::{Deleted, Plan, Progress, Report, StreamProgress, Sweep, SyncError, Teller};
use keyhaven_sandbox::{ACME, Act, Hook, Mode, TokenSettings};
use keyhaven_testkit::Look;
use tokio::{sync::watch, time::sleep};

use crate::{
    acts,
    chance::Chance,
    common::{Database, House, KEY},
    compare::{self, Known},
    trouble::Trouble,
};

/// Steps in all, where nobody says how many; and of one history, then and otherwise.
const USUAL: u64 = 400;
const SHORT: u64 = 100;
const LONG: u64 = 250;
const REMEMBERED: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_and_nothing_twice() {
    let number = |name: &str| env::var(name).ok().map(|it| it.parse::<u64>().expect("a number"));
    let (steps, first) = (number("KEYHAVEN_MODEL_STEPS"), number("KEYHAVEN_MODEL_SEED"));
    let history = if steps.or(first).is_some() { LONG } else { SHORT };
    let (steps, first) = (steps.unwrap_or(USUAL), first.unwrap_or(1));
    let (mut done, mut seed, mut runs) = (0, first, 0);
    while done < steps {
        let count = history.min(steps - done);
        runs += Box::pin(one_history(seed, count)).await;
        (done, seed) = (done + count, seed + 1);
        if steps > USUAL {
            eprintln!("{done} of {steps} steps, {runs} syncs, histories {first} to {}", seed - 1);
        }
    }
}

async fn one_history(seed: u64, steps: u64) -> u64 {
    let mut model = Model::new(seed).await;
    // What a first reading leaves out, no later one would look for.
    for _ in 0..model.chance.below(5) {
        let plan = model.plan.clone();
        model.stopped(0, &plan, None).await;
        model.calm();
    }
    for step in 0..steps {
        model.step(step).await;
    }
    model.undisturbed().await;
    model.runs
}

struct Model {
    seed: u64,
    chance: Chance,
    house: House,
    plan: Plan,
    large: Plan,
    look: Look,
    known: Known,
    projects: bool,
    log: VecDeque<String>,
    runs: u64,
}

impl Model {
    async fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (records, custom, projects) = (8 + chance.below(12), 16 + chance.below(10), chance.once_in(2));
        let house = House::new(|settings| {
            (settings.records, settings.seed, settings.projects) = (records, seed, projects);
            settings.custom_fields = custom as usize;
            settings.bare_last_page = seed.is_multiple_of(3);
        });
        let house = house.await;
        let database = if seed.is_multiple_of(3) { Database::Postgres } else { Database::Sqlite };
        let (to, look) = database.make(house.folder.path());
        let mut large = house.plan(&to);
        large.deleted = if chance.once_in(3) { Deleted::Remove } else { Deleted::Keep };
        let size = 3 + chance.below(5);
        let plan = Plan { deleted: large.deleted, ..house.paged(&to, size) };
        let (known, log) = (Known::default(), VecDeque::new());
        Self { seed, chance, house, plan, large, look, known, projects, log, runs: 0 }
    }

    fn note(&mut self, what: impl Into<String>) {
        if self.log.len() == REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(what.into());
    }

    fn fail(&self, what: &str, wrong: &[String]) -> ! {
        let log: Vec<&str> = self.log.iter().map(String::as_str).collect();
        let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        panic!(
            "{what}, with KEYHAVEN_MODEL_SEED={} KEYHAVEN_MODEL_STEPS={LONG} ({:?}, {} runs).\nLast steps:\n{}\n\n{} things are wrong:\n{shown}",
            self.seed,
            self.plan.deleted,
            self.runs,
            log.join("\n"),
            wrong.len(),
        );
    }

    async fn step(&mut self, step: u64) {
        match self.chance.below(20) {
            0..13 => {
                if let Some(act) = acts::of_a_record(&self.house, &mut self.chance) {
                    self.act(step, &act);
                }
            }
            13 | 14 => {
                if let Some(act) = acts::of_a_field(&self.house, &mut self.chance) {
                    self.act(step, &act);
                }
            }
            15 | 16 => self.pass(step),
            17 => self.undisturbed().await,
            _ => self.disturbed(step).await,
        }
    }

    fn act(&mut self, step: u64, act: &Act) {
        let done = self.house.sandbox.state().act(ACME, act);
        self.note(format!("{step} {act:?} {done:?}"));
    }

    fn pass(&mut self, step: u64) {
        let seconds = *self.chance.pick(&[0, 1, 1, 20, 59, 61, 600, 4000, 90_000]).unwrap();
        let skew = -(self.chance.below(60) as i64);
        self.house.set_time(self.house.now() + seconds);
        self.house.sandbox.state().set(|settings| settings.skew_seconds = skew);
        self.note(format!("{step} {seconds} s pass, and changes are written {skew} s off"));
    }

    /// An undisturbed run that sees what changed, one that looks at everything, and one that has nothing to do.
    async fn undisturbed(&mut self) {
        let changes = Plan { sweep: Sweep::Never, ..self.plan.clone() };
        self.ordinary("a run for what changed", &changes).await;
        let whole = Plan { sweep: Sweep::Always, ..self.plan.clone() };
        self.finish("a whole run", &whole).await;
        let wrong =
            compare::differences(&self.house, &whole, &self.look, &mut self.known, self.projects).await;
        if !wrong.is_empty() {
            self.fail("The database is not what the app has", &wrong);
        }
        let large = self.large.clone();
        let report = self.finish("a run with nothing to do", &large).await;
        // On a busy machine an answer may come too late.
        let asked = |it: &StreamProgress| it.requests - it.repeated;
        let busy = report.progress.streams.iter().filter(|it| it.written + it.deleted > 0 || asked(it) > 1);
        let busy: Vec<String> = busy.map(|it| format!("{it:?}")).collect();
        if !busy.is_empty() {
            self.fail("A run with nothing to do did something", &busy);
        }
    }

    async fn ordinary(&mut self, what: &str, plan: &Plan) {
        let before = compare::timed(&self.house);
        self.finish(what, plan).await;
        let wrong = compare::stale(plan, &self.look, &before).await;
        if !wrong.is_empty() {
            self.fail("A run did not see what had changed", &wrong);
        }
    }

    async fn finish(&mut self, what: &str, plan: &Plan) -> Report {
        self.runs += 1;
        self.note(what);
        match self.house.run(plan).await {
            Ok(report) if report.stopped.is_none() => report,
            other => self.fail(&format!("{what} did not go to the end"), &[format!("{other:?}")]),
        }
    }

    async fn disturbed(&mut self, step: u64) {
        let sweep = *self.chance.pick(&[Sweep::Due, Sweep::Due, Sweep::Never, Sweep::Always]).unwrap();
        let plan = Plan { sweep, ..self.plan.clone() };
        match self.chance.below(8) {
            0 | 1 => {
                self.ordinary(&format!("{step} a run, {sweep:?}"), &plan).await;
            }
            2 | 3 => {
                self.hooks();
                self.finish(&format!("{step} a run with changes in between, {sweep:?}"), &plan).await;
            }
            4 => self.stopped(step, &plan, None).await,
            _ => {
                let trouble = Trouble::by(&mut self.chance);
                self.stopped(step, &plan, Some(trouble)).await;
            }
        }
        self.calm();
    }

    fn calm(&self) {
        let state = self.house.sandbox.state();
        state.clear_hooks();
        state.clear_faults();
        state.set_token(
            KEY,
            TokenSettings { user: Some(1), mode: Some(Mode::Ok), ..TokenSettings::default() },
        );
    }

    fn hooks(&mut self) {
        const PATHS: [&str; 10] = [
            "/api/v2/deals",
            "/api/v2/persons",
            "/api/v1/leads",
            "/api/v1/notes",
            "/api/v1/files",
            "/api/v2/deals/products",
            "/api/v2/organizations",
            "/api/v2/activities",
            "/api/v2/products",
            "/api/v2/dealFields",
        ];
        for _ in 0..=self.chance.below(3) {
            let (path, after) = (*self.chance.pick(&PATHS).unwrap(), 1 + self.chance.below(5) as u32);
            let field = self.chance.once_in(5);
            let act = if field { acts::of_a_field } else { acts::of_a_record }(&self.house, &mut self.chance);
            let Some(act) = act else { continue };
            self.note(format!("while it reads, after {after} of {path}: {act:?}"));
            self.house.sandbox.state().add_hook(Hook {
                path: path.into(),
                after,
                company: ACME,
                acts: vec![act],
            });
        }
    }

    /// Goes wrong at some moment, and is cancelled or killed soon after.
    async fn stopped(&mut self, step: u64, plan: &Plan, trouble: Option<Trouble>) {
        if self.chance.once_in(2) {
            self.hooks();
        }
        self.runs += 1;
        // Twice as often where what is lost is not looked for again.
        let streams =
            plan.streams.streams.iter().map(|it| (it.name.clone(), 1 + u64::from(it.changes.is_some())));
        let names: Vec<String> =
            streams.flat_map(|(name, times)| (0..times).map(move |_| name.clone())).collect();
        let (name, pages) = (self.chance.pick(&names).unwrap(), 1 + self.chance.below(4));
        let (patience, kills) = (Duration::from_millis(self.chance.below(12)), self.chance.once_in(2));
        let how = if kills { "killed" } else { "cancelled" };
        self.note(format!(
            "{step} a run, {:?}, {trouble:?} after {pages} pages of {name}, {how} {patience:?} later",
            plan.sweep
        ));
        let (cancel, cancelled) = watch::channel(false);
        let (teller, mut progress) = Teller::new();
        let ended: Option<Result<Report, SyncError>> = {
            let run = self.house.run_told(plan, &teller, &cancelled);
            tokio::pin!(run);
            let stop = async {
                let there =
                    |it: &Progress| it.streams.iter().any(|it| it.name == *name && it.requests >= pages);
                if progress.wait_for(there).await.is_err() {
                    pending::<()>().await;
                }
                if let Some(trouble) = &trouble {
                    trouble.begin(&self.house);
                }
                sleep(patience).await;
            };
            tokio::select! {
                ended = &mut run => Some(ended),
                () = stop => {
                    let _ = cancel.send(true);
                    if kills { None } else { Some(run.await) }
                }
            }
        };
        let ended = ended.map(|it| it.map(|report| report.outcome().to_owned()));
        self.note(format!("which ended so: {ended:?}"));
        if trouble.is_some_and(|it| it.0 == Some(Mode::Daily)) {
            self.house.set_time(self.house.now() + 86_400);
        }
    }
}
