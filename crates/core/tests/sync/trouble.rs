//! What goes wrong between a sync and the app.

use keyhaven_sandbox::{Fault, Mode, Rule};

use crate::{
    chance::Chance,
    common::{House, KEY},
};

/// What goes wrong: for every request of the key, or below HTTP.
#[derive(Debug)]
pub(crate) struct Trouble(pub Option<Mode>, Option<Rule>);

impl Trouble {
    pub(crate) fn by(chance: &mut Chance) -> Self {
        const MODES: [Mode; 10] = [
            Mode::Unauthorized,
            Mode::NoPermission,
            Mode::NotOpen,
            Mode::Daily,
            Mode::Maintenance,
            Mode::InternalError,
            Mode::Html,
            Mode::Truncated,
            Mode::OtherShape,
            Mode::Garbage,
        ];
        const FAULTS: [Fault; 6] = [
            Fault::HangBeforeHead,
            Fault::HangMidBody,
            Fault::ResetMidBody,
            Fault::Garbage,
            Fault::CloseWithoutAnswer,
            Fault::CloseAfterAnswer,
        ];
        if chance.once_in(20) {
            return Self(Some(Mode::Burst), None);
        }
        if chance.once_in(2) {
            return Self(chance.pick(&MODES).copied(), None);
        }
        let rule = chance.pick(&FAULTS).cloned().map(Rule::new);
        Self(None, rule.map(|rule| if chance.once_in(8) { rule.times(1) } else { rule }))
    }

    pub(crate) fn begin(&self, house: &House) {
        let state = house.sandbox.state();
        if let Some(mode) = self.0 {
            state.set_mode(KEY, mode);
        }
        if let Some(rule) = &self.1 {
            state.add_fault(rule.clone());
        }
    }
}
