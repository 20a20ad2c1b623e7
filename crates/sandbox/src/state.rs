//! The switches, and all that a running stand-in knows.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use axum::http::request::Parts;

use crate::{
    ACME, Asked, Fault, Hook, Mode, Rule, Settings, TokenSettings,
    asked::{self, Received},
    clock::Clock,
    crm::Crm,
    limits::Spent,
    lists, rules, scenarios,
    tokens::Token,
};

/// What belongs to one company.
pub(crate) struct Company {
    /// Read and written without holding the rest of the world.
    pub crm: Arc<RwLock<Crm>>,
    pub spent: Spent,
}

pub(crate) struct World {
    pub settings: Settings,
    pub tokens: BTreeMap<String, Token>,
    pub rules: Vec<Rule>,
    pub hooks: Vec<Hook>,
    pub clock: Clock,
    asked: VecDeque<Received>,
    companies: BTreeMap<u64, Company>,
}

const REMEMBERED: usize = 10_000;

impl World {
    fn fresh() -> Self {
        Self {
            settings: Settings::default(),
            tokens: scenarios::tokens().collect(),
            rules: Vec::new(),
            hooks: Vec::new(),
            clock: Clock::real(),
            asked: VecDeque::new(),
            companies: BTreeMap::new(),
        }
    }

    pub(crate) fn company(&mut self, id: u64) -> &mut Company {
        let crm = || Arc::new(RwLock::new(Crm::new(id, &self.settings)));
        self.companies.entry(id).or_insert_with(|| Company { crm: crm(), spent: Spent::default() })
    }

    /// The time that changes are written with.
    pub(crate) fn stamp(&self) -> u64 {
        self.clock.now().saturating_add_signed(self.settings.skew_seconds)
    }

    pub(crate) fn spent(&self) -> BTreeMap<u64, u64> {
        self.companies.iter().map(|(id, company)| (*id, company.spent.tokens())).collect()
    }

    pub(crate) fn set(&mut self, settings: Settings) {
        if !settings.makes_the_same(&self.settings) {
            for (id, company) in &mut self.companies {
                company.crm = Arc::new(RwLock::new(Crm::new(*id, &settings)));
            }
        }
        self.settings = settings;
    }
}

/// The switches, shared by all connections.
#[derive(Clone)]
pub struct State {
    world: Arc<Mutex<World>>,
    connections: Arc<AtomicUsize>,
}

impl Default for State {
    fn default() -> Self {
        Self { world: Arc::new(Mutex::new(World::fresh())), connections: Arc::default() }
    }
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn connections(&self) -> &AtomicUsize {
        &self.connections
    }

    /// Writes a request down, and tells which faults it meets.
    pub(crate) fn receive(&self, head: &Parts, body: Arc<AtomicU64>) -> Vec<Fault> {
        let mut world = self.lock();
        let received = Received::new(head, body, world.settings.keep_headers);
        if world.asked.len() == REMEMBERED {
            world.asked.pop_front();
        }
        world.asked.push_back(received);
        let key = asked::key(&head.headers, &head.uri).0;
        rules::take(&mut world.rules, key.as_deref(), head.uri.path())
    }

    /// Makes or changes a token.
    pub fn set_token(&self, key: &str, settings: TokenSettings) {
        let mut world = self.lock();
        let token = world.tokens.entry(key.to_owned()).or_insert_with(|| Token::new(1, Mode::Ok));
        token.user = settings.user.unwrap_or(token.user);
        token.mode = settings.mode.unwrap_or(token.mode);
        token.latency_ms = settings.latency_ms.unwrap_or(token.latency_ms);
        token.foreign = settings.foreign.or(token.foreign);
    }

    /// Changes how a token is answered.
    pub fn set_mode(&self, key: &str, mode: Mode) {
        self.set_token(key, TokenSettings { mode: Some(mode), ..TokenSettings::default() });
    }

    /// As if the user had pressed “Generate new token”: from now on nobody knows this one. Tells whether it was known.
    pub fn revoke(&self, key: &str) -> bool {
        self.lock().tokens.remove(key).is_some()
    }

    /// Changes the switches for all tokens. Returns when pages are kept, if that is asked for.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let (old, new) = {
            let mut world = self.lock();
            let old = world.settings.clone();
            let mut settings = old.clone();
            change(&mut settings);
            world.set(settings.clone());
            (old, settings)
        };
        if !new.writes_the_same(&old) {
            let (crm, now) = self.company(ACME);
            let mut crm = crm.write().unwrap_or_else(PoisonError::into_inner);
            if new.page_cache {
                lists::keep(&mut crm, &new, now);
            } else {
                crm.keep([]);
            }
        }
    }

    /// From now on requests that the rule meets go wrong so.
    pub fn add_fault(&self, rule: Rule) {
        self.lock().rules.push(rule);
    }

    /// Nothing goes wrong any more. What hangs already goes on hanging.
    pub fn clear_faults(&self) {
        self.lock().rules.clear();
    }

    /// Puts the time of day, from which the daily budget and the times of changes follow. It goes on from there.
    pub fn set_clock(&self, unix_seconds: u64) {
        self.lock().clock = Clock::at(unix_seconds, false);
    }

    /// The same, but time stands still: changes have equal times until the clock is put again.
    pub fn freeze_clock(&self, unix_seconds: u64) {
        self.lock().clock = Clock::at(unix_seconds, true);
    }

    /// The records of a company, and the time that changes are written with.
    pub(crate) fn company(&self, id: u64) -> (Arc<RwLock<Crm>>, u64) {
        let mut world = self.lock();
        let now = world.stamp();
        (world.company(id).crm.clone(), now)
    }

    /// What companies have spent of their daily budgets, by company id.
    pub fn spent(&self) -> BTreeMap<u64, u64> {
        self.lock().spent()
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What was asked so far: the last 10,000 requests.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.iter().map(Received::asked).collect()
    }

    /// Everything as at the start.
    pub fn reset(&self) {
        *self.lock() = World::fresh();
    }
}
